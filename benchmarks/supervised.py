"""Learning from data: speed beside a bare torch loop, Lightning and Keras; accuracy, bits per character, transfer.

    python -m benchmarks.supervised speed --data FASHION_MNIST | tee benchmarks/results/supervised_speed.txt
    python -m benchmarks.supervised accuracy --data FASHION_MNIST --seeds 3
    python -m benchmarks.supervised digits --seeds 3
    python -m benchmarks.supervised text --seeds 3    # beside transformers' GPT-2 with nanoGPT's settings for CPUs
    python -m benchmarks.supervised transfer --data FASHION_MNIST --seeds 3

`speed` trains the same network, batch and optimizer on the same images, in turn, each in a process of its own.
Imports and reading are not in the images/s.
"""

import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine
from benchmarks.supervised_peers import (
    BATCH,
    CONTEXT,
    TEXT_BATCH,
    TEXT_STEPS,
    final_loss,
    gpt2,
    train_keras,
    train_lightning,
    train_torch,
)

SPLITS = {"the first five classes, then the last": (range(5), range(5, 10)),
          "the even classes, then the odd": (range(0, 10, 2), range(1, 10, 2))}  # fmt: skip
FEW_LABELS, FEW_STEPS = (1, 3, 10), 100
FASHION: dict[str, Any] = {
    "network": "cnn", "epochs": 18, "batch_size": BATCH, "learning_rate": 4e-3, "learning_rate_schedule": "one-cycle",
    "optimizer": "adamw", "weight_decay": 0.02, "augment": ("flip",), "label_smoothing": 0.05,
    "validation_share": 0.02, "precision": "bfloat16",
}  # fmt: skip
DIGITS: dict[str, Any] = {
    "network": "cnn", "epochs": 20, "learning_rate": 3e-3, "learning_rate_schedule": "one-cycle", "weight_decay": 0.02,
    "optimizer": "adamw", "label_smoothing": 0.05,
}  # fmt: skip
TEXT: dict[str, dict[str, Any]] = {
    # The size of nanoGPT's setting for CPUs: 4 layers, 4 heads, 128 wide, context 64, batches of 12, 2,000 steps.
    "transformer": {"network": "transformer", "memory_layers": 4, "heads": 4, "memory_size": 128},
    "lstm": {"network": "lstm", "memory_layers": 2, "memory_size": 256},
}


def train_sandlot(path: str, steps: int, seed: int) -> tuple[float, float, int]:
    """Train with the fit loop; return seconds, the final loss and the number of images."""
    import torch

    from sandlot.supervised import Classifier
    from sandlot.supervised.data import rows_of
    from sandlot.supervised.fitting.fit import fit

    # No validation, as in the others.
    options: dict[str, Any] = {"network": "cnn", "max_grad_norm": 0.0, "validation_share": 0.0}
    task = Classifier(path, seed=seed, batch_size=BATCH, **options)
    fit(task, 10)
    begin = time.perf_counter()
    fit(task, 10 + steps)
    seconds = time.perf_counter() - begin
    module = task.learners["network"].module
    rows = rows_of(task.columns, torch.arange(1_000))
    return seconds, final_loss(lambda: module(rows), module, rows["target"]), steps * BATCH


TRAINERS = {"sandlot": train_sandlot, "torch": train_torch, "lightning": train_lightning, "keras": train_keras}


def speed(options: Any) -> None:
    """Compare the images/s."""
    peers = {"torch": "a bare torch loop", "lightning": "PyTorch Lightning, barebones", "keras": "Keras on torch"}
    for peer, name in peers.items():
        compare(
            f"Sandlot and {name}: the same CNN on the same images, batches of {BATCH}, {options.steps} steps",
            "benchmarks.supervised", [options.data, options.steps], [options.data, options.steps], options.pairs,
            peer=peer, unit="images", reached="loss", threads=options.threads,
        )  # fmt: skip


def over_seeds(title: str, values: Sequence[float]) -> None:
    """Print the mean over seeds with its 95 % interval (Student's t)."""
    from scipy.stats import t

    mean = float(np.mean(values))
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0
    each = ", ".join(f"{value:.4f}" for value in values)
    print(f"{title}: {mean:.4f} ± {half:.4f} ({len(values)} seeds: {each})", flush=True)


def accuracy(data: str, options: dict[str, Any], seeds: int) -> None:
    """Print the test accuracy over seeds, and how long a training took."""
    from sandlot.supervised import Classifier

    found, times = [], []
    for seed in range(seeds):
        begin = time.perf_counter()
        task = Classifier(data, seed=seed, **options).learn()
        times.append(time.perf_counter() - begin)
        found.append(task.evaluate()["accuracy"])
        print(f"  seed {seed}: {found[-1]:.4f} in {times[-1] / 60:.1f} min", flush=True)
    over_seeds(f"{data}, test accuracy", found)


def standard_library(characters: int = 2_000_000) -> str:
    """Write the beginning of the sources of Python's standard library to a file, and return its path."""
    sources = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    written = "".join(source.read_text(encoding="utf-8", errors="replace") for source in sources)
    path = Path(tempfile.mkdtemp()) / "standard-library.txt"
    path.write_text(written[:characters], encoding="utf-8")
    return str(path)


def text(data: str, seeds: int) -> None:
    """Print the bits per character of a transformer, an LSTM and a GPT-2 on the test split of a text."""
    rows = f"{TEXT_STEPS:,} steps of {TEXT_BATCH} times {CONTEXT} characters"
    print(f"{Path(data).name}, {Path(data).stat().st_size:,} bytes; {rows}", flush=True)
    for name in ("transformer", "lstm", "gpt2"):
        found = []
        for seed in range(seeds):
            begin = time.perf_counter()
            found.append(gpt2(data, seed) if name == "gpt2" else language_model(data, seed, name))
            print(f"  {name}, seed {seed}: {found[-1]:.4f} in {(time.perf_counter() - begin) / 60:.1f} min", flush=True)
        over_seeds(f"{name}, bits per character", found)


def language_model(data: str, seed: int, name: str) -> float:
    """Return the bits per character of one of our language models."""
    from sandlot.supervised import LanguageModel
    from sandlot.supervised.fitting.fit import fit

    how: dict[str, Any] = {"context_length": CONTEXT, "memory_length": CONTEXT, "batch_size": TEXT_BATCH, **TEXT[name]}
    task = LanguageModel(data, seed=seed, validate_every=TEXT_STEPS // 4, **how)
    fit(task, TEXT_STEPS)
    return task.evaluate()["bits_per_character"]


def transfer(data: str, seeds: int) -> None:
    """Print the accuracy on classes with few labels, from scratch and after pretraining on other classes."""
    from sandlot.supervised import Classifier
    from sandlot.supervised.data import load_frame

    frame = load_frame(data)
    first: dict[str, Any] = FASHION | {"epochs": 4}
    for title, (seen, unseen) in SPLITS.items():
        print(title)
        found: dict[tuple[int, str], list[float]] = {}
        for seed in range(seeds):
            start = Classifier(some(frame, seen, 3_000, seed), seed=seed, **first).learn().trained_encoder()
            ways: dict[str, dict[str, Any]] = {
                "from scratch": {"network": "cnn", "learning_rate": 4e-3},
                "tuned": {"start": start, "learning_rate": 2e-3},
                "tuned, 4 of 6 layers frozen": {"start": start, "learning_rate": 2e-3, "freeze": 4},
            }
            for labels in FEW_LABELS:
                few = some(frame, unseen, labels, seed)
                for way, how in ways.items():
                    found.setdefault((labels, way), []).append(from_few(few, labels, seed, how))
        for (labels, way), values in found.items():
            name = f"  {labels} of each, {way}"
            over_seeds(name, values)
            if way != "from scratch":
                ahead = np.array(values) - np.array(found[labels, "from scratch"])
                over_seeds(f"{name}, ahead by", ahead.tolist())


def from_few(few: Any, labels: int, seed: int, how: dict[str, Any]) -> float:
    """Return the accuracy after some steps on a few `labels` of each class."""
    from sandlot.supervised import Classifier
    from sandlot.supervised.fitting.fit import fit

    sizes: dict[str, Any] = {"batch_size": 5 * min(labels, 5), "validation_share": 0.0}
    task = Classifier(few, seed=seed, learning_rate_schedule="cosine", **sizes, **how)
    fit(task, FEW_STEPS)
    return task.evaluate()["accuracy"]


def some(frame: Any, classes: Sequence[int], count: int, seed: int) -> Any:
    """Return `count` training images of each of `classes`, drawn with `seed`, and their test images."""
    from sandlot.supervised.data import Frame

    random = np.random.default_rng(seed)
    label = frame.columns["label"]
    rows = [
        random.permutation(np.flatnonzero((label == name) & (frame.source_split == -1)))[:count] for name in classes
    ]
    rows += [np.flatnonzero((label == name) & (frame.source_split == 2)) for name in classes]
    kept = np.concatenate(rows)
    columns = {key: column[kept] for key, column in frame.columns.items()}
    return Frame(frame.name, columns, [(frame.name, len(kept))], frame.classes, frame.source_split[kept])


def main() -> None:
    """Run what the command line names."""
    arguments = parser(__doc__)
    arguments.add_argument("what", nargs="?", choices=["speed", "accuracy", "digits", "text", "transfer"])
    arguments.add_argument("--data", help="folder, file or name; of `text`, the standard library's sources by default")
    arguments.add_argument("--steps", type=int, default=100, help="gradient steps of a comparison of speed")
    arguments.add_argument("--threads", type=int, default=2, help="threads of a comparison of speed")
    arguments.add_argument("--seeds", type=int, default=3)
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, TRAINERS)
        return
    print(machine("torch", "numpy", "pytorch-lightning", "keras"))
    match options.what:
        case "speed":
            speed(options)
        case "accuracy":
            accuracy(options.data, FASHION, options.seeds)
        case "digits":
            accuracy("digits", DIGITS, options.seeds)
        case "text":
            text(options.data or standard_library(), options.seeds)
        case "transfer":
            transfer(options.data, options.seeds)


if __name__ == "__main__":
    main()
