"""Films of an agent while it trains, made from its checkpoints by a worker process."""

import re
import sys
from pathlib import Path

from sandlot.agents.loading import load_agent
from sandlot.agents.multi_agent import env_spec_of
from sandlot.tracking import (
    VIDEOS,
    Run,
    SandlotError,
    checkpoint_name,
    read_metrics,
    send_to_worker,
    start_worker,
    stop_worker,
)

from .film import Clip, FilmOptions, film_episodes

LAST_FILM_TIMEOUT = 300
"""Seconds to wait for the films that are left when training has ended."""
FILM_SEED = 20_000
FILM_PROBLEM = "film of "
"""What begins a line of the worker about a film that shows nothing."""
MAX_SECONDS = 300
"""The longest that these films play."""


class FilmWorker:
    """Film the checkpoints of a run while training goes on.

    The worker is a process of its own with an environment of its own, so it neither slows the training nor touches
    its random numbers. If it fails, training goes on without films.
    """

    def __init__(self, run: Run):
        self.run = run
        self.log = run.folder / "films.log"
        command = [sys.executable, "-P", "-m", "sandlot.agents.films", str(run.folder), str(Path.cwd())]
        self._worker = start_worker(command, self.log)
        self._pending: list[int] = unlogged_films(run)

    def request(self, env_step: int) -> None:
        """Request a film of the checkpoint of `env_step`."""
        self._pending.append(env_step)
        self._latest = env_step
        send_to_worker(self._worker, f"{env_step}\n")

    def collect(self) -> None:
        """Log the films that are ready."""
        for env_step in list(self._pending):
            path = film_path(self.run, env_step)
            if path.exists():
                self._pending.remove(env_step)
                self.run.log_media("video", path, env_step, f"after {env_step:,} env steps, seed {FILM_SEED}")

    def stop(self) -> None:
        """Kill the worker without waiting for its films."""
        self._worker.kill()
        stop_worker(self._worker, "", LAST_FILM_TIMEOUT)

    def finish(self) -> str | None:
        """Wait for the requested films, log them, and return what went wrong, if anything did."""
        stop_worker(self._worker, "", LAST_FILM_TIMEOUT)
        self.collect()
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        if not self._pending:
            self.log.unlink(missing_ok=True)
            latest = f"{FILM_PROBLEM}{self._latest}: "
            return next((line.removeprefix(latest) for line in lines if line.startswith(latest)), None)
        return lines[-1] if lines else "the film worker ended early"


def unlogged_films(run: Run) -> list[int]:
    """Return the env steps of films that a training made before it was killed, and did not come to log."""
    logged = {path for row in read_metrics(run.folder) for path in row.get("media", {}).values()}
    films = [path for path in sorted((run.folder / VIDEOS).glob("step-*.mp4")) if f"{VIDEOS}/{path.name}" not in logged]
    return [int(path.stem.removeprefix("step-")) for path in films if re.fullmatch(r"step-\d+", path.stem)]


def film_path(run: Run, env_step: int) -> Path:
    """Return the path of the film of the checkpoint of `env_step`."""
    return run.folder / VIDEOS / f"{checkpoint_name(env_step)}.mp4"


def serve(folder: Path) -> None:
    """Film the checkpoints of the run in `folder` whose env steps come in on standard input, one a line."""
    run = Run(folder)
    env_spec = env_spec_of(run.config["env"])
    overlay = run.config.get("training", {}).get("video_overlay", False)
    options = FilmOptions(overlay=overlay, seconds=MAX_SECONDS)
    for line in sys.stdin:
        if not line.strip():
            continue
        env_step = int(line)
        try:
            clip = Clip(load_agent(run, env_step), FILM_SEED)
            (filmed,) = film_episodes([clip], env_spec, film_path(run, env_step), options)
            if filmed.problem is not None:
                print(f"{FILM_PROBLEM}{env_step}: {filmed.problem}", file=sys.stderr, flush=True)
        except SandlotError as error:
            print(error, file=sys.stderr, flush=True)
