"""Generative models: speed and fidelity beside pythae and a textbook DCGAN, anomalies beside scikit-learn, hand-off.

    python -m benchmarks.generative speed --data FASHION_MNIST | tee benchmarks/results/generative_speed.txt
    python -m benchmarks.generative fidelity --data FASHION_MNIST --minutes 5 --seeds 3
    python -m benchmarks.generative stability --data FASHION_MNIST --minutes 5 --seeds 5
    python -m benchmarks.generative vocabulary --data FASHION_MNIST --minutes 5 --seeds 3
    python -m benchmarks.generative anomalies --data FASHION_MNIST --minutes 2 --seeds 3
    python -m benchmarks.generative handoff --minutes 0.5 --steps 20000 --seeds 5

`speed` trains the same VAE on the same images, in turn, each in a process of its own. Whatever else is compared
trains for the same time, one after the other, on one machine.
"""

import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.generative_peers import BATCH, pythae_vae, train_pythae, train_textbook_dcgan, until
from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine
from benchmarks.supervised import over_seeds
from sandlot.generative import AE, VAE, VQVAE, WGANGP, HingeGAN
from sandlot.generative.base import Model
from sandlot.generative.evaluation.anomalies import auroc, find_anomalies
from sandlot.generative.evaluation.fidelity import Fidelity, features_of, fidelity
from sandlot.supervised import Classifier
from sandlot.supervised.data import Frame, load_frame
from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.optimization.random_state import seeded_rng

LATENT, NOISE = 16, 64
SMALL = (16, 32, 64)
"""Widths of the networks of the hand-off."""
OURS: dict[str, Any] = {"batch_size": BATCH, "validation_share": 0.0}
BRIEF: dict[str, Any] = OURS | {"precision": "bfloat16"}
"""For trainings of minutes on a CPU."""
BRIEF_GAN = BRIEF | {"widths": (32, 64), "learning_rate": 1e-3}
"""The same for GANs, chosen on a seed that is not scored: half of DCGAN's widths, five times its learning rate."""
AT_A_TIME = 25
"""Steps between looks at the clock."""


@cache
def frame_of(data: str) -> Frame:
    """Return a data set, read once."""
    return load_frame(data)


@cache
def images_of(data: str) -> dict[str, Tensor]:
    """Return the images of a data set that are to learn from, and those of the test, as bytes.

    Nothing that trains is made for it: the peers' process is to be as they would have it.
    """
    frame = frame_of(data)
    if frame.source_split is None:
        raise SystemExit(f"{data} has no test part of its own; --data must name a data set that has one")
    pixels = torch.from_numpy(frame.columns["image"]).permute(0, 3, 1, 2)
    return {name: pixels[frame.source_split == part].contiguous() for name, part in (("train", -1), ("test", 2))}


def train_for(model: Model, seconds: float) -> Model:
    """Train a model for some time."""
    over = until(seconds)
    while not over():
        fit(model, model.step + AT_A_TIME)
    model.train(False)
    return model


def train_sandlot(data: str, steps: int, network: str, seed: int) -> tuple[float, float, int]:
    """Train our VAE; return seconds, its loss on images of the test and how many it learned from."""
    model = VAE(data, seed=seed, latent_size=LATENT, network=network, hidden=(512,), compile="off", **OURS)
    fit(model, 10)
    begin = time.perf_counter()
    fit(model, 10 + steps)
    seconds = time.perf_counter() - begin
    return seconds, model.evaluate()["loss"], steps * BATCH


def train_peer(data: str, steps: int, network: str, seed: int) -> tuple[float, float, int]:
    """Train pythae's VAE in the same way."""
    images = images_of(data)
    enough = (images["train"].float() / 255).repeat(-(-steps * BATCH // len(images["train"])), 1, 1, 1)
    _, warm = pythae_vae(enough[: 10 * BATCH], LATENT, seed, network)
    warm.train_step(1)
    model, trainer = pythae_vae(enough[: steps * BATCH], LATENT, seed, network)
    begin = time.perf_counter()
    trainer.train_step(1)
    seconds = time.perf_counter() - begin
    model.eval()
    with torch.no_grad():
        batches = (images["test"].float() / 255).split(256)
        losses = [model({"data": batch}).loss.item() * len(batch) for batch in batches]
    return seconds, sum(losses) / len(images["test"]), steps * BATCH


def extractor_of(data: str, epochs: int) -> Classifier:
    """Return the classifier in whose features everything is compared."""
    extractor = Classifier(frame_of(data), seed=0, network="strided", epochs=epochs, batch_size=BATCH).learn()
    extractor.train(False)
    print(
        f"extractor: a strided CNN, {epochs} epochs, test accuracy {extractor.evaluate()['accuracy']:.4f}", flush=True
    )
    return extractor


def judge(extractor: Classifier, images: dict[str, Tensor], make: Any, rows: int) -> tuple[Fidelity, Tensor]:
    """Return the fidelity of made images, and the share that is taken for each class."""
    with torch.no_grad(), seeded_rng(0):
        made = torch.cat([make(len(some)) for some in torch.arange(rows).split(256)])
        fake = features_of(extractor, (made.clamp(0, 1) * 255).round().to(torch.uint8))
        real = features_of(extractor, images["test"][:rows])
        network: Any = extractor.learners["network"].module
        share = torch.bincount(network.head(fake.float()).argmax(1), minlength=len(extractor.classes)) / rows
    return fidelity(real, fake), share


def compare_fidelity(options: Any) -> None:
    """Print the fidelity of each model after the same time."""
    images, extractor, seconds = (
        images_of(options.data),
        extractor_of(options.data, options.epochs),
        60 * options.minutes,
    )
    rows = min(options.rows, len(images["test"]), len(images["train"]))
    scaled = images["train"].float() / 255

    def ours(kind: Any, seed: int, **how: Any) -> Any:
        model = train_for(kind(frame_of(options.data), seed=seed, **how), seconds)
        model.plot_samples(Path(options.pictures) / f"{model.name}-{seed}")
        return model.sample

    makers: dict[str, Any] = {
        "vae": lambda seed: ours(VAE, seed, **BRIEF, latent_size=LATENT),
        "pythae's VAE": lambda seed: train_pythae(scaled, LATENT, seconds, seed),
        "hinge-gan": lambda seed: ours(HingeGAN, seed, **BRIEF_GAN),
        "textbook DCGAN": lambda seed: train_textbook_dcgan(scaled, NOISE, seconds, seed),
    }
    floor, _ = judge(extractor, images, iter_over(scaled, rows), rows)
    print(f"{rows} images; floor, training against test: {in_words(floor)}", flush=True)
    found: dict[str, list[float]] = {name: [] for name in makers}
    for seed in range(options.seeds):
        for name, make in makers.items():
            result, share = judge(extractor, images, make(seed), rows)
            found[name].append(result.fid)
            print(f"  seed {seed}  {name:15} {in_words(result)}, {int((share > 0.01).sum())} classes", flush=True)
    for name, values in found.items():
        over_seeds(f"FID of {name} after {seconds:.0f} s", values)


def iter_over(images: Tensor, rows: int) -> Any:
    """Return what gives real images in place of made ones."""
    parts = iter(images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:rows]].split(256))
    return lambda _: next(parts)


def in_words(result: Fidelity) -> str:
    """Return fidelity as a line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in result._asdict().items())


def stability(options: Any) -> None:
    """Print whether each training of a GAN ends with all classes among its samples."""
    images, extractor = images_of(options.data), extractor_of(options.data, options.epochs)
    rows = min(options.rows, len(images["test"]))
    for kind in (HingeGAN, WGANGP):
        whole = 0
        for seed in range(options.seeds):
            model = train_for(kind(frame_of(options.data), seed=seed, **BRIEF_GAN), 60 * options.minutes)
            share = judge(extractor, images, model.sample, rows)[1]
            whole += bool((share > 0.01).all())
            print(f"  {kind.name}, seed {seed}: rarest class {share.min():.1%}, {model.step} steps", flush=True)
        print(f"{kind.name}: all classes on {whole} of {options.seeds} seeds")


def vocabulary(options: Any) -> None:
    """Print how much of a VQ-VAE's vocabulary is in use on the test."""
    found = []
    for seed in range(options.seeds):
        measures = train_for(VQVAE(frame_of(options.data), seed=seed, **BRIEF), 60 * options.minutes).evaluate()
        found.append(measures["usage"])
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in measures.items()), flush=True)
    over_seeds("share of the vocabulary in use", found)


def anomalies(options: Any) -> None:
    """Print the AUROC with each class held out, of an autoencoder, a VAE, IsolationForest and principal components."""
    classes = frame_of(options.data).classes["label"]
    found: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        for held_out in classes:
            row = {}
            for kind in (AE, VAE):
                model = train_for(
                    kind(frame_of(options.data), seed=seed, held_out=held_out, **BRIEF), 60 * options.minutes
                )
                with torch.no_grad(), seeded_rng(0):
                    row[kind.name] = find_anomalies(model).auroc  # pyright: ignore[reportArgumentType]
            row |= of_scikit_learn(model, seed)  # pyright: ignore[reportPossiblyUnboundVariable]
            for name, value in row.items():
                found.setdefault(name, []).append(value)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in row.items())
            print(f"  seed {seed}, {held_out} held out: {shown}", flush=True)
    for name, values in found.items():
        per_seed = np.array(values).reshape(options.seeds, len(classes)).mean(1).tolist()
        over_seeds(f"{name}, mean AUROC over {len(classes)} classes", per_seed)


def of_scikit_learn(model: Any, seed: int) -> dict[str, float]:
    """Return the AUROC of two of scikit-learn's detectors on the same rows."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest

    rows = {name: torch.from_numpy(model.subset(name).rows) for name in ("train", "test")}
    pixels = {name: (model.columns["image"][some].float() / 255).flatten(1).numpy() for name, some in rows.items()}
    strange = model.columns["label"][rows["test"]] == -1
    forest = IsolationForest(random_state=seed).fit(pixels["train"])
    components = PCA(model.config.latent_size, random_state=seed).fit(pixels["train"])
    left = pixels["test"] - components.inverse_transform(components.transform(pixels["test"]))
    scores = {"IsolationForest": -forest.score_samples(pixels["test"]), "PCA": (left**2).sum(1)}
    return {name: auroc(torch.from_numpy(score), strange) for name, score in scores.items()}


def handoff(options: Any) -> None:
    """Print how PPO learns from scratch, and from an autoencoder's encoder, free or frozen."""
    from sandlot.agents import PPO
    from sandlot.agents.encoder_transfer import config_for, take_encoding
    from sandlot.agents.evaluation import evaluate_id
    from sandlot.agents.observation_dataset import frames_of
    from sandlot.envs import EnvSpec

    looks = [options.steps * share // 4 for share in range(1, 5)]
    print(f"return over 50 episodes after {', '.join(f'{steps:,}' for steps in looks)} env steps", flush=True)
    curves: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        seen = VAE(frames_of(options.env, options.frames, seed=seed), seed=seed, latent_size=LATENT, widths=SMALL)
        encoding = train_for(seen, 60 * options.minutes).trained_encoder()  # pyright: ignore[reportAttributeAccessIssue]
        print(f"  seed {seed}  the VAE's bound: {seen.evaluate()['elbo']:.1f} nats", flush=True)
        for name, start, freeze in (("scratch", False, False), ("encoder", True, False), ("frozen", True, True)):
            config = config_for(encoding, PPO.Config(epochs=4, freeze=freeze))
            agent = PPO(EnvSpec(options.env), seed=seed, config=config)
            if start:
                take_encoding(agent, encoding)
            curve = [evaluate_id(agent.learn(steps), EnvSpec(options.env), episodes=50).mean for steps in looks]
            curves.setdefault(name, []).append(curve)
            print(f"  seed {seed}  {name:8} {'  '.join(f'{value:6.2f}' for value in curve)}", flush=True)
    for name, found in curves.items():
        for steps, values in zip(looks, zip(*found, strict=True), strict=True):
            over_seeds(f"PPO on {options.env}, {name}, return after {steps:,} env steps", values)


def speed(options: Any) -> None:
    """Compare the images/s of our VAE and pythae's: with its own MLP, and with our convolutions in both."""
    for network, steps in (("mlp", 5 * options.steps), ("strided", options.steps)):
        same = [options.data, steps, network]
        compare(
            f"Sandlot and pythae: the same VAE ({network}) on the same images, batches of {BATCH}, {steps} steps",
            "benchmarks.generative", same, same, options.pairs, peer="pythae", unit="images", reached="loss",
            threads=options.threads,
        )  # fmt: skip


PARTS = {"speed": speed, "fidelity": compare_fidelity, "stability": stability, "vocabulary": vocabulary,
         "anomalies": anomalies, "handoff": handoff}  # fmt: skip


def main() -> None:
    """Run what the command line names."""
    arguments = parser(__doc__)
    arguments.add_argument("what", nargs="?", choices=list(PARTS))
    arguments.add_argument("--data", help="data set of images with a test part, such as Fashion-MNIST's folder")
    arguments.add_argument("--minutes", type=float, default=5.0, help="time that each model trains")
    arguments.add_argument("--epochs", type=int, default=5, help="epochs of the classifier that compares")
    arguments.add_argument("--rows", type=int, default=10_000, help="images to compare, at most")
    arguments.add_argument("--pictures", default=tempfile.gettempdir(), help="folder for pictures of samples")
    arguments.add_argument("--steps", type=int, default=200, help="steps of a comparison of speed, or env steps")
    arguments.add_argument("--threads", type=int, default=1, help="threads of a comparison of speed")
    arguments.add_argument("--env", default="sandlot/Catch-v0", help="environment with pictures")
    arguments.add_argument("--frames", type=int, default=5_000, help="frames that the autoencoder learns from")
    arguments.add_argument("--seeds", type=int, default=3)
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "pythae": train_peer})
        return
    print(machine("torch", "numpy", "scikit-learn", "pythae"))
    PARTS[options.what](options)


if __name__ == "__main__":
    main()
