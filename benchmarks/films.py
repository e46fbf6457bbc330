"""What a film costs: 500 frames of 600 x 400, ours plain and with the overlay, and Gymnasium's RecordVideo.

python -m benchmarks.films | tee benchmarks/results/films.txt

Each film is made in a process of its own, all in turn, so a machine whose speed drifts favours none. "encode"
only encodes; the others play CartPole by the same rule. Memory is what filming adds to the process at its peak,
and ffmpeg's own. A machine that does other things shows in the seconds, less in the processor's time.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.statistics import machine
from sandlot.agents.action_info import ActionInfo
from sandlot.agents.films.episode_frames import EpisodeFrames
from sandlot.envs import EnvSpec, Frame, render_episode, run_headless
from sandlot.tracking import write_video

ENV, STEPS, SEED = "CartPole-v1", 499, 0
MB = 1024  # ru_maxrss counts KiB


def rule(observation: np.ndarray) -> int:
    """Return an action that keeps the pole up."""
    return int(observation[2] + 0.3 * observation[3] + 0.05 * observation[1] > 0)


def act(observation: Any, _: bool) -> tuple[int, ActionInfo]:
    """Return an action and thoughts that change as an agent's do."""
    chance = np.float32(1 / (1 + np.exp(-20 * observation[2])))
    return rule(observation), ActionInfo(
        probability=np.array([1 - chance, chance]), value=50 - 50 * abs(observation[2])
    )


def encode(path: Path) -> Callable[[], Any]:
    """Return what encodes the frames of a picture that moves."""
    env = EnvSpec(ENV).single(render=True)
    env.reset(seed=SEED)
    frame: Any = env.render()

    def frames() -> Iterator[Frame]:
        for shift in range(STEPS + 1):
            yield np.roll(frame, shift, 1)

    return lambda: write_video(path, frames(), 50)


def ours(path: Path, overlay: bool) -> Callable[[], Any]:
    """Return what plays and films our way."""
    env = EnvSpec(ENV).single(render=True)
    return lambda: write_video(path, EpisodeFrames(env, render_episode(env, act, SEED), overlay=overlay), 50)


def gymnasium_film(path: Path) -> Callable[[], Any]:
    """Return what plays and films Gymnasium's way."""
    env = gymnasium.make(ENV, render_mode="rgb_array")
    env = gymnasium.wrappers.RecordVideo(env, str(path.parent), episode_trigger=lambda _: True, disable_logger=True)

    def play() -> None:
        observation, over = env.reset(seed=SEED)[0], False
        while not over:
            observation, _, terminated, truncated, _ = env.step(rule(observation))
            over = terminated or truncated
        env.close()

    return play


FILMS = {
    "encode": encode,
    "ours, plain": lambda path: ours(path, overlay=False),
    "ours, overlay": lambda path: ours(path, overlay=True),
    "RecordVideo": gymnasium_film,
}


def job(name: str) -> dict[str, float]:
    """Make one film and return what it cost."""
    run_headless()
    warnings.filterwarnings("ignore")
    import moviepy.video.io.ffmpeg_writer  # so that no film pays for the import
    import moviepy.video.io.ImageSequenceClip  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        film = FILMS[name](Path(folder) / "film.mp4")
        before, used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        begin = time.perf_counter()
        film()
        seconds = time.perf_counter() - begin
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        (file,) = Path(folder).glob("*.mp4")
        return {
            "seconds": seconds,
            "cpu": time.process_time() - used + children.ru_utime + children.ru_stime,
            "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MB,
            "ffmpeg": children.ru_maxrss / MB,
            "size": file.stat().st_size / 1e6,
        }


def main() -> None:
    """Make the films in turn and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(job(options.job)))
        return
    print(machine("gymnasium", "moviepy", "imageio-ffmpeg", "pillow"))
    print(f"{STEPS + 1} frames, {ENV}, median (lowest to highest) of {options.rounds} rounds")
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in FILMS}
    for _ in range(options.rounds):
        for name, found in costs.items():
            command = [sys.executable, "-m", "benchmarks.films", "--job", name]
            said = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(json.loads(said.stdout.splitlines()[-1]))
    print(f"{'':14} {'seconds':>22} {'CPU seconds':>22}  {'memory':>7} {'ffmpeg':>7}  {'file':>8}")
    for name, found in costs.items():
        columns = {key: [cost[key] for cost in found] for key in found[0]}
        spans = (
            f"{np.median(columns[key]):>7.2f} ({min(columns[key]):.2f} to {max(columns[key]):.2f})"
            for key in ("seconds", "cpu")
        )
        seconds, cpu = (f"{span:>22}" for span in spans)
        memory, ffmpeg = (f"{np.median(columns[key]):>4.0f} MB" for key in ("memory", "ffmpeg"))
        print(f"{name:14} {seconds} {cpu}  {memory:>7} {ffmpeg:>7}  {np.median(columns['size']):>5.2f} MB")


if __name__ == "__main__":
    main()
