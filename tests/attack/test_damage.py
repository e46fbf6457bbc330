"""Every file of a run damaged in twenty ways: each command ends with a sentence or its result, and no row is lost.

A few of them are tried at each run of the tests; all by `make attack`.
"""

import random
import subprocess
import zlib
from pathlib import Path

import pytest

from sandlot.cli import main

from .damage import DAMAGES, files_of, restore, wrong_json, wrong_tensors

QUIET = ("--wandb", "disabled")
AGENT = ("--evaluation-episodes", "2", "--video-every", "0", *QUIET)
RUNS = {
    "q-learning": ("q-learning", "FrozenLake-v1", "--steps", "600", "--checkpoint-every", "200", *AGENT),
    "dqn": ("dqn", "CartPole-v1", "--steps", "120", "--checkpoint-every", "60", "--hidden", "8",
            "--learning-starts", "20", "--buffer-size", "220", "--batch-size", "8", *AGENT),
    "ppo": ("ppo", "CartPole-v1", "--steps", "64", "--checkpoint-every", "32", "--hidden", "8", "--num-envs", "2",
            "--num-steps", "16", "--batch-size", "16", "--network", "lstm", *AGENT),
    "vae": ("vae", "iris", "--epochs", "2", "--latent-size", "2", "--hidden", "8", *QUIET),
    "classifier": ("classifier", "iris", "--epochs", "2", "--hidden", "8", *QUIET),
    "forest": ("sklearn:random-forest", "iris", "--options", '{"n_estimators": 2}', *QUIET),
}  # fmt: skip
SHORT = ("--episodes", "1")
COMMANDS = {
    "agent": [("evaluate", *SHORT), ("resume", "--steps", "700"), ("compare",), ("record", *SHORT, "--seconds", "1")],
    "vae": [("evaluate",), ("resume",), ("compare",), ("sample", "--count", "2"), ("reconstruct",)],
    "task": [("evaluate",), ("resume",), ("compare",), ("predict",)],
}
SUFFIXES = {".json": wrong_json, ".safetensors": wrong_tensors}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a run of each kind, trained when it is first asked for."""
    root, known = tmp_path_factory.mktemp("attack"), {}

    def make(kind: str) -> Path:
        if kind not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(root)
                assert main(["train", *RUNS[kind], "--runs-dir", kind]) == 0
            (known[kind],) = (root / kind).iterdir()
        return known[kind]

    return make


@pytest.fixture(autouse=True)
def without_helpers(tmp_path, monkeypatch):
    """Work in a folder of its own, with worker processes that do nothing."""
    monkeypatch.chdir(tmp_path)
    started = []

    def idle(*_):
        started.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
        return started[-1]

    monkeypatch.setattr("sandlot.tracking.recorder_process.start_worker", idle)
    monkeypatch.setattr("sandlot.agents.films.worker.start_worker", idle)
    yield
    for process in started:
        process.kill()
        process.communicate()


def commands_for(kind: str) -> list[tuple[str, ...]]:
    return COMMANDS["vae" if kind == "vae" else "task" if kind in ("classifier", "forest") else "agent"]


def check(words: tuple[str, ...], run: Path, capsys) -> str | None:
    """Run a command on `run`, and return what is wrong with how it ended, if anything is."""
    metrics = run / "metrics.jsonl"
    before = metrics.read_bytes().splitlines() if metrics.is_file() else []
    capsys.readouterr()
    more = ("rows.csv",) if words[0] == "predict" else ()
    try:
        status = main([words[0], str(run), *more, *words[1:]])
    except SystemExit as stop:
        status = stop.code
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    told = capsys.readouterr().err
    if status not in (0, 2) or "Traceback" in told or (status == 2 and not told.startswith("sandlot: ")):
        return f"status {status}: {told[-300:]}"
    if words[0] != "resume" and metrics.is_file() and metrics.read_bytes().splitlines()[: len(before)] != before:
        return "rows are lost"
    return None


def attack(kind, made, capsys, cases: int | None) -> dict[str, str]:
    """Return what went wrong, by case."""
    whole, wrong = made(kind), {}
    Path("rows.csv").write_text("a,b,c,d\n1,2,3,4\n")
    names = [path.relative_to(whole) for path in files_of(whole) if path.name not in (".lock", "recorder.log")]
    chosen = [(name, damage) for name in names for damage in DAMAGES]
    chosen += [(name, f"wrong {number}") for name in names for number in range(20) if name.suffix in SUFFIXES]
    if cases is not None:
        chosen = random.Random(zlib.crc32(kind.encode())).sample(chosen, cases)
    for name, damage in chosen:
        for words in commands_for(kind):
            copy = restore(whole, Path("copy", whole.name))
            rng = random.Random(f"{kind} {name} {damage}")
            done = (
                SUFFIXES[name.suffix](copy / name, rng)
                if damage.startswith("wrong")
                else DAMAGES[damage](copy / name, rng)
            )
            problem = check(words, copy, capsys)
            if problem is not None:
                wrong[f"{name} {damage} ({done or ''}): {words[0]}"] = problem
    return wrong


@pytest.mark.parametrize("kind", ["q-learning", "classifier"])
def test_a_few_damages(kind, made, capsys):
    wrong = attack(kind, made, capsys, cases=8)
    assert not wrong, "\n".join(f"{case}: {problem}" for case, problem in wrong.items())


@pytest.mark.attack
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", RUNS)
def test_all_damages(kind, made, capsys):
    wrong = attack(kind, made, capsys, cases=None)
    assert not wrong, "\n".join(f"{case}: {problem}" for case, problem in wrong.items())
