"""Films of an agent while it trains, made by a helper process from the checkpoints."""

import sys
from pathlib import Path

from sandlot.agents.loading import load_agent
from sandlot.agents.multi_agent import env_spec_of
from sandlot.tracking import VIDEOS, Run, SandlotError, checkpoint_name, send_to_worker, start_worker, stop_worker

from .film import Look, Take, film

SECONDS_FOR_LAST_FILM = 300
FILM_SEED = 20_000
LONGEST_SECONDS = 300
"""How long these films may be."""


class Films:
    """Have the checkpoints of a run filmed while training goes on.

    The helper is a process of its own with an environment of its own, so filming neither slows the training
    nor touches its random numbers. If it fails, training goes on without films.
    """

    def __init__(self, run: Run):
        self.run = run
        self.log = run.folder / "films.log"
        command = [sys.executable, "-Pm", "sandlot.agents.films", str(run.folder), str(Path.cwd())]
        self._helper = start_worker(command, self.log)
        self._pending: list[int] = []

    def request(self, env_step: int) -> None:
        """Ask for a film of the checkpoint of `env_step`."""
        self._pending.append(env_step)
        send_to_worker(self._helper, f"{env_step}\n")

    def collect(self) -> None:
        """Log the films that have become ready."""
        for env_step in list(self._pending):
            path = film_path(self.run, env_step)
            if path.exists():
                self._pending.remove(env_step)
                self.run.log_media("video", path, env_step)

    def stop(self) -> None:
        """End the helper without waiting for its films."""
        self._helper.kill()
        stop_worker(self._helper, "", SECONDS_FOR_LAST_FILM)

    def finish(self) -> str | None:
        """Wait for the films that were asked for, log them, and return what went wrong, if something did."""
        stop_worker(self._helper, "", SECONDS_FOR_LAST_FILM)
        self.collect()
        said = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        if not self._pending:
            self.log.unlink(missing_ok=True)
            return None
        return said[-1] if said else "the film helper ended early"


def film_path(run: Run, env_step: int) -> Path:
    """Return where the film of the checkpoint of `env_step` lies."""
    return run.folder / VIDEOS / f"{checkpoint_name(env_step)}.mp4"


def serve(folder: Path) -> None:
    """Film each checkpoint of the run in `folder` whose env step stands on a line of standard input."""
    run = Run(folder)
    env_spec = env_spec_of(run.config["env"])
    look = Look(overlay=run.config.get("training", {}).get("video_overlay", False))
    for line in sys.stdin:
        if not line.strip():
            continue
        env_step = int(line)
        try:
            take, look = (
                Take(load_agent(run, env_step), FILM_SEED),
                Look(overlay=run.config["training"]["video_overlay"]),
            )
            film([take], env_spec, film_path(run, env_step), look=look, seconds=LONGEST_SECONDS)
        except SandlotError as error:
            print(error, file=sys.stderr, flush=True)
