"""Benchmark generative models: speed and fidelity beside pythae and a textbook DCGAN, anomaly detection, transfer.

    python -m benchmarks.generative speed --data FASHION_MNIST | tee benchmarks/results/generative_speed.txt
    python -m benchmarks.generative fidelity --data FASHION_MNIST --minutes 5 --seeds 3
    python -m benchmarks.generative stability --data FASHION_MNIST --minutes 5 --seeds 5
    python -m benchmarks.generative codebook --data FASHION_MNIST --minutes 5 --seeds 3
    python -m benchmarks.generative anomalies --data FASHION_MNIST --minutes 2 --seeds 3
    python -m benchmarks.generative transfer --minutes 0.5 --steps 20000 --seeds 5

`speed` trains the same VAE on the same images, alternately, each in its own process. All other comparisons train for
the same time, one after the other, on one machine.
"""

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from benchmarks.generative_peers import BATCH, Sampler, pythae_vae, train_pythae, train_textbook_dcgan, until
from benchmarks.pairs import compare, parser, run_job
from benchmarks.statistics import machine
from benchmarks.supervised import over_seeds
from sandlot.generative import AE, VAE, VQVAE, WGANGP, GenerativeModel, HingeGAN
from sandlot.generative.evaluation.anomalies import auroc, score_anomalies
from sandlot.generative.evaluation.fidelity import ClassifierFeatures
from sandlot.generative.evaluation.metrics import FidelityMetrics, fidelity_metrics
from sandlot.supervised import Classifier
from sandlot.supervised.data import Frame, load_frame
from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.optimization.random_state import seeded_rng

Model = TypeVar("Model", bound=GenerativeModel)
LATENT, NOISE = 16, 64
SMALL = (16, 32, 64)
"""Widths of the networks in the transfer benchmark."""
OURS: dict[str, Any] = {"batch_size": BATCH, "validation_share": 0.0}
BRIEF: dict[str, Any] = OURS | {"precision": "bfloat16"}
"""For training for minutes on a CPU."""
BRIEF_GAN = BRIEF | {"widths": (32, 64), "learning_rate": 1e-3}
"""The same for GANs, tuned on a seed that is not scored: half of DCGAN's widths, five times its learning rate."""
STEPS_PER_CHECK = 25
"""Steps between checks of the time."""


@cache
def frame_of(data: str) -> Frame:
    """Return a data set, which is read once."""
    return load_frame(data)


@cache
def images_of(data: str) -> dict[str, Tensor]:
    """Return the training and test images of a data set, as bytes.

    It makes no model of ours, so that a peer's process is as the peer would have it.
    """
    frame = frame_of(data)
    if frame.source_split is None:
        raise SystemExit(f"{data} has no test set of its own; --data must name a data set that has one")
    pixels = torch.from_numpy(frame.columns["image"]).permute(0, 3, 1, 2)
    return {name: pixels[frame.source_split == part].contiguous() for name, part in (("train", -1), ("test", 2))}


def train_for(model: Model, seconds: float) -> Model:
    """Train a model for some time."""
    is_over = until(seconds)
    while not is_over():
        fit(model, model.step + STEPS_PER_CHECK)
    model.train(False)
    return model


def train_sandlot(data: str, steps: int, network: str, seed: int) -> tuple[float, float, int]:
    """Train our VAE; return the seconds, its test loss and the number of images it was trained on."""
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
    """Return the classifier in whose features images are compared."""
    extractor = Classifier(frame_of(data), seed=0, network="strided", epochs=epochs, batch_size=BATCH).learn()
    extractor.train(False)
    print(
        f"extractor: a strided CNN, {epochs} epochs, test accuracy {extractor.evaluate()['accuracy']:.4f}", flush=True
    )
    return extractor


def evaluate_samples(
    extractor: Classifier, images: dict[str, Tensor], sample: Sampler, rows: int
) -> tuple[FidelityMetrics, np.ndarray]:
    """Return the fidelity of sampled images, and the fraction that is classified as each class."""
    with torch.no_grad(), seeded_rng(0):
        samples = torch.cat([sample(len(chunk)) for chunk in torch.arange(rows).split(256)])
        fake = ClassifierFeatures(extractor).features((samples.clamp(0, 1) * 255).round().to(torch.uint8))
        real = ClassifierFeatures(extractor).features(images["test"][:rows])
        shares = ClassifierFeatures(extractor).class_shares(fake)
    return fidelity_metrics(real, fake), np.array(list(shares.values()))


def compare_fidelity(options: Any) -> None:
    """Print the fidelity of each model after the same training time."""
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

    trainers: dict[str, Callable[[int], Sampler]] = {
        "vae": lambda seed: ours(VAE, seed, **BRIEF, latent_size=LATENT),
        "pythae's VAE": lambda seed: train_pythae(scaled, LATENT, seconds, seed),
        "hinge-gan": lambda seed: ours(HingeGAN, seed, **BRIEF_GAN),
        "textbook DCGAN": lambda seed: train_textbook_dcgan(scaled, NOISE, seconds, seed),
    }
    reference, _ = evaluate_samples(extractor, images, real_sampler(scaled, rows), rows)
    print(f"{rows} images; training images against test images: {format_metrics(reference)}", flush=True)
    fids: dict[str, list[float]] = {name: [] for name in trainers}
    for seed in range(options.seeds):
        for name, train in trainers.items():
            result, shares = evaluate_samples(extractor, images, train(seed), rows)
            fids[name].append(result.fid)
            print(
                f"  seed {seed}  {name:15} {format_metrics(result)}, {int((shares > 0.01).sum())} classes", flush=True
            )
    for name, values in fids.items():
        over_seeds(f"FID of {name} after {seconds:.0f} s", values)


def real_sampler(images: Tensor, rows: int) -> Any:
    """Return a sampler of real images."""
    parts = iter(images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:rows]].split(256))
    return lambda _: next(parts)


def format_metrics(result: FidelityMetrics) -> str:
    """Return fidelity metrics as one line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in result._asdict().items())


def stability(options: Any) -> None:
    """Print on how many seeds each GAN generates all classes at the end of training."""
    images, extractor = images_of(options.data), extractor_of(options.data, options.epochs)
    rows = min(options.rows, len(images["test"]))
    for kind in (HingeGAN, WGANGP):
        whole = 0
        for seed in range(options.seeds):
            model = train_for(kind(frame_of(options.data), seed=seed, **BRIEF_GAN), 60 * options.minutes)
            shares = evaluate_samples(extractor, images, model.sample, rows)[1]
            whole += bool((shares > 0.01).all())
            print(f"  {kind.name}, seed {seed}: rarest class {shares.min():.1%}, {model.step} steps", flush=True)
        print(f"{kind.name}: all classes on {whole} of {options.seeds} seeds")


def codebook(options: Any) -> None:
    """Print how much of a VQ-VAE's codebook is used on the test images."""
    found = []
    for seed in range(options.seeds):
        measures = train_for(VQVAE(frame_of(options.data), seed=seed, **BRIEF), 60 * options.minutes).evaluate()
        found.append(measures["codebook_usage"])
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in measures.items()), flush=True)
    over_seeds("fraction of the codebook in use", found)


def anomalies(options: Any) -> None:
    """Print the AUROC with each class held out, of an autoencoder, a VAE, IsolationForest and PCA."""
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
                    row[kind.name] = score_anomalies(model).auroc
            row |= sklearn_aurocs(model, seed)  # pyright: ignore[reportPossiblyUnboundVariable]
            for name, value in row.items():
                found.setdefault(name, []).append(value)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in row.items())
            print(f"  seed {seed}, {held_out} held out: {shown}", flush=True)
    for name, values in found.items():
        per_seed = np.array(values).reshape(options.seeds, len(classes)).mean(1).tolist()
        over_seeds(f"{name}, mean AUROC over {len(classes)} classes", per_seed)


def sklearn_aurocs(model: Any, seed: int) -> dict[str, float]:
    """Return the AUROC of two of scikit-learn's detectors on the same rows."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest

    rows = {name: torch.from_numpy(model.subset(name).rows) for name in ("train", "test")}
    pixels = {name: (model.columns["image"][some].float() / 255).flatten(1).numpy() for name, some in rows.items()}
    is_anomaly = model.columns["label"][rows["test"]] == -1
    forest = IsolationForest(random_state=seed).fit(pixels["train"])
    components = PCA(model.config.latent_size, random_state=seed).fit(pixels["train"])
    residual = pixels["test"] - components.inverse_transform(components.transform(pixels["test"]))
    scores = {"IsolationForest": -forest.score_samples(pixels["test"]), "PCA": (residual**2).sum(1)}
    return {name: auroc(torch.from_numpy(score), is_anomaly) for name, score in scores.items()}


def transfer(options: Any) -> None:
    """Print how PPO learns from scratch, and from a VAE's encoder, fine-tuned or frozen."""
    from sandlot.agents import PPO
    from sandlot.agents.encoder_transfer import config_for, load_encoder
    from sandlot.agents.evaluation import evaluate
    from sandlot.agents.observation_dataset import frames_of
    from sandlot.envs import EnvSpec

    checkpoints = [options.steps * share // 4 for share in range(1, 5)]
    print(f"return over 50 episodes after {', '.join(f'{steps:,}' for steps in checkpoints)} env steps", flush=True)
    curves: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        vae = VAE(frames_of(options.env, options.frames, seed=seed), seed=seed, latent_size=LATENT, widths=SMALL)
        encoding = train_for(vae, 60 * options.minutes).trained_encoder()
        print(f"  seed {seed}  ELBO of the VAE: {vae.evaluate()['elbo']:.1f} nats", flush=True)
        for name, start, freeze in (("scratch", False, False), ("encoder", True, False), ("frozen", True, True)):
            config = config_for(encoding, PPO.Config(epochs=4, freeze=freeze))
            agent = PPO(EnvSpec(options.env), seed=seed, config=config)
            if start:
                load_encoder(agent, encoding)
            curve = [
                evaluate(agent.learn(until=steps), EnvSpec(options.env), episodes=50).mean for steps in checkpoints
            ]
            curves.setdefault(name, []).append(curve)
            print(f"  seed {seed}  {name:8} {'  '.join(f'{value:6.2f}' for value in curve)}", flush=True)
    for name, found in curves.items():
        for steps, values in zip(checkpoints, zip(*found, strict=True), strict=True):
            over_seeds(f"PPO on {options.env}, {name}, return after {steps:,} env steps", values)


def speed(options: Any) -> None:
    """Compare the images per second of our VAE and pythae's: with its own MLP, and with our CNN in both."""
    for network, steps in (("mlp", 5 * options.steps), ("strided", options.steps)):
        same = [options.data, steps, network]
        compare(
            f"Sandlot and pythae: the same VAE ({network}) on the same images, batches of {BATCH}, {steps} steps",
            "benchmarks.generative", same, same, options.pairs, peer="pythae", unit="images", reached="loss",
            threads=options.threads,
        )  # fmt: skip


BENCHMARKS = {"speed": speed, "fidelity": compare_fidelity, "stability": stability, "codebook": codebook,
         "anomalies": anomalies, "transfer": transfer}  # fmt: skip


def main() -> None:
    """Run the benchmark that the command line names."""
    arguments = parser(__doc__)
    arguments.add_argument("what", nargs="?", choices=list(BENCHMARKS))
    arguments.add_argument("--data", help="data set of images with a test set, such as Fashion-MNIST's folder")
    arguments.add_argument("--minutes", type=float, default=5.0, help="training time of each model")
    arguments.add_argument(
        "--epochs", type=int, default=5, help="training epochs of the classifier whose features are compared"
    )
    arguments.add_argument("--rows", type=int, default=10_000, help="images to compare, at most")
    arguments.add_argument("--pictures", default=tempfile.gettempdir(), help="folder for plots of samples")
    arguments.add_argument(
        "--steps", type=int, default=200, help="gradient steps of the speed benchmark, or env steps of transfer"
    )
    arguments.add_argument("--threads", type=int, default=1, help="threads of the speed benchmark")
    arguments.add_argument("--env", default="sandlot/Catch-v0", help="environment with image observations")
    arguments.add_argument("--frames", type=int, default=5_000, help="frames that the VAE is trained on")
    arguments.add_argument("--seeds", type=int, default=3)
    options = arguments.parse_args()
    if options.job:
        run_job(options.job, {"sandlot": train_sandlot, "pythae": train_peer})
        return
    print(machine("torch", "numpy", "scikit-learn", "pythae"))
    BENCHMARKS[options.what](options)


if __name__ == "__main__":
    main()
