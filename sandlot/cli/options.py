"""The options of the commands. Nothing here is heavy to import: `--help` should come at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

EnvId = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENV")]
DataName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
RunName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
RunNames = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class RunsDir:
    """Where runs lie."""

    runs_dir: Path = Path("runs")
    """Folder that runs are in."""


@dataclass(frozen=True, kw_only=True)
class Recorded(RunsDir):
    """A training and its record."""

    seed: int = 0
    """Seed of everything random."""
    wandb: Literal["auto", "online", "offline", "disabled"] = "auto"
    """Weights & Biases; auto is online if you are logged in, else offline."""
    project: str = "sandlot"
    """W&B project."""


@dataclass(frozen=True, kw_only=True)
class Fit(Recorded):
    """Fit a task to data and track it."""

    data: DataName
    """A file (csv, tsv, jsonl, txt, parquet), a folder of such or of images (one below for each class), one of
    scikit-learn's data sets (digits, iris, wine, breast-cancer, diabetes), a name of the Hugging Face hub, or what
    is to be seen in an environment: env:ID, played at random, or run:RUN, played by the agent of a run."""
    frames: int = 10_000
    """For env:ID and run:RUN: frames to collect."""
    env_kwargs: str = "{}"
    """For env:ID: options of the environment, as JSON."""
    from_run: Annotated[str | None, tyro.conf.arg(name="from", metavar="RUN|FOLDER")] = None
    """What to start from: the encoder of a run (of a task, or of an agent that observes images), or a folder with a
    model of Hugging Face's transformers or of timm (config.json, *.safetensors, and for texts tokenizer.json)."""
    find_learning_rate: bool = False
    """Find the learning rate by a short test at rising rates."""


@dataclass(frozen=True, kw_only=True)
class Train(Recorded):
    """Train an agent, track it and film it."""

    env: EnvId
    """Environment id, as Gymnasium knows it."""
    steps: int = 100_000
    """Env steps to train for."""
    env_kwargs: str = "{}"
    """Options of the environment, as JSON: '{"continuous": true}'."""
    backend: Literal["auto", "envpool", "gymnasium"] = "auto"
    """What runs the environments; auto: EnvPool, if it is installed, where it is faster and the task the same."""
    opponent: str | None = None
    """In a game of turns: self (past selves; the default), random, scripted, or the run RUN (or RUN@STEP)."""
    separate: bool = False
    """In a game in which all move at once: a network for each player, even if their spaces are equal."""
    checkpoint_every: int = 50_000
    """Env steps between checkpoints."""
    video_every: int = 100_000
    """Env steps between films, which are made of checkpoints; 0 for none at all."""
    video_overlay: bool = False
    """Show in films what the agent thinks, as `sandlot record --overlay` does; making them takes longer by half."""
    evaluation_episodes: int = 100
    """Episodes to play at the end, choosing the likeliest actions."""
    encoder: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Run of an autoencoder, or of another agent, whose encoder to start from; --freeze leaves it as it is."""


@dataclass(frozen=True, kw_only=True)
class TargetOptions(RunsDir):
    """Whom to watch."""

    run: RunName
    """A run's folder or name; "latest" is the newest. Or a .zip file that Stable-Baselines3 saved."""
    step: int | None = None
    """Checkpoint to take; the newest by default."""
    stochastic: bool = False
    """Draw actions from the policy instead of taking the likeliest."""
    env: str | None = None
    """For a .zip file: the id of the environment to play."""
    env_kwargs: str = "{}"
    """For a .zip file: options of the environment, as JSON."""
    opponent: str | None = None
    """In a game of turns: random, scripted, or RUN (or RUN@STEP); by default as in training, or the scripted one."""
    algorithm: str | None = None
    """For a .zip file: its algorithm (ppo, sac …), if it doesn't tell."""
    trust: bool = False
    """For a .zip file: load it. It holds pickled objects, which can run any code: do so only if you trust its maker."""


@dataclass(frozen=True, kw_only=True)
class Evaluate(TargetOptions):
    """Play episodes with a trained agent and report the return."""

    episodes: int = 100
    """Episodes to play."""
    seed: int = 10_000
    """Seed of the environments."""


@dataclass(frozen=True, kw_only=True)
class Record(TargetOptions):
    """Film a trained agent."""

    episodes: int | None = None
    """Episodes to film, one after the other or, in a grid, as many at a time as it holds; by default it is filled."""
    grid: str | None = None
    """Columns x rows of episodes that are shown side by side, such as 3x2."""
    overlay: bool = False
    """Show step, reward, return and what the agent thinks: of its actions, and of the return to come."""
    progress: bool = False
    """Show the same episodes played by several checkpoints side by side, from the first to the last."""
    gif: bool = False
    """Make a GIF beside the film, for pages that show no videos."""
    seconds: float | None = None
    """The most that an episode may take of the film; by default 300 where the environment has no time limit."""
    seed: int = 20_000
    """Seed of the environment; each further episode has the next."""
    output: Path | None = None
    """File to write; by default one among the run's videos, or named after the .zip file, in this folder."""


@dataclass(frozen=True, kw_only=True)
class Play(TargetOptions):
    """Open a page in the browser: watch the agent live, take over the keys, or play a board game against it."""

    host: str = "127.0.0.1"
    """Address to listen on; others than this computer can come in only if you change it."""
    port: int = 8400
    """Port to listen on; 0 for any that is free."""
    seed: int = 0
    """Seed of the first episode."""


@dataclass(frozen=True, kw_only=True)
class Resume(RunsDir):
    """Go on with a run that was stopped or killed."""

    run: RunName
    """A run's folder or name; "latest" is the newest."""
    step: int | None = None
    """Checkpoint to go on from; the newest by default. Later ones are dropped."""
    steps: int | None = None
    """Train until this many env steps (of an agent) or gradient steps, if not those the run was started with."""


@dataclass(frozen=True, kw_only=True)
class Compare(RunsDir):
    """Set runs side by side: returns, speed and what differs in their configurations."""

    run: RunNames
    """Two or more runs' folders or names."""
    output: Path = Path("compare.png")
    """File for the picture of their learning curves."""


@dataclass(frozen=True, kw_only=True)
class FromTask(RunsDir):
    """A task that was fitted to data."""

    run: RunName
    """A run's folder or name; "latest" is the newest."""
    step: int | None = None
    """Checkpoint to take; the best by default."""


@dataclass(frozen=True, kw_only=True)
class Predict(FromTask):
    """Say of each row of new files what the task of a run predicts."""

    files: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE")] = ()
    """Files or folders of the kind that the training read: tables, texts, images."""
    json: bool = False
    """Print JSON lines in place of a table."""


@dataclass(frozen=True, kw_only=True)
class Pictured(FromTask):
    """Plot what a generative model generates or encodes."""

    seed: int = 0
    """Random seed of sampling."""
    output: Path | None = None
    """PNG file to write; by default in the run's images."""


@dataclass(frozen=True, kw_only=True)
class Sample(Pictured):
    """Generate text with a run's language model, or images (or table rows) with its generative model."""

    output: Path | None = None
    """File to write: .png for a picture of up to 100 rows; .npz, .npy or .csv for all rows as numbers; without an
    ending a folder, for a PNG file each. By default a picture in the run's images."""
    prompt: str | None = None
    """Text to continue; by default a new line."""
    tokens: int | None = None
    """Tokens of text to generate; by default 300."""
    temperature: float | None = None
    """Sampling temperature of text, by default 0.8; 0 always takes the most likely token."""
    count: int | None = None
    """Images (or table rows) to generate; by default 64."""
    label: str | None = None
    """Class to generate, for a conditional model; by default each in turn."""
    mean: bool = False
    """Leave out the spread around decoded rows that a VAE with a gaussian likelihood has learned."""
    truncation: float | None = None
    """Draw latent values from -truncation to truncation alone: more typical rows, less varied."""
    nearest: bool = False
    """Show the nearest training image below each sample, and tell how many are copies."""


@dataclass(frozen=True, kw_only=True)
class Reconstruct(Pictured):
    """Plot test rows and their reconstructions by an autoencoder."""

    count: int = 32
    """Rows to plot."""


@dataclass(frozen=True, kw_only=True)
class Interpolate(Pictured):
    """Interpolate between pairs of latent vectors, as a picture and as a video through the latent space."""

    pairs: int = 8
    """Pairs of latent vectors: those of test rows for an autoencoder, else random ones."""
    images: int = 10
    """Images per pair."""


@dataclass(frozen=True, kw_only=True)
class Anomalies(Pictured):
    """Detect test rows of a held-out class by an autoencoder's anomaly score, and report the AUROC."""


@dataclass(frozen=True, kw_only=True)
class Latents(Pictured):
    """Plot the latent vectors of an autoencoder's test rows, by PCA and t-SNE."""

    rows: int = 1500
    """Rows to plot, at most."""


@dataclass(frozen=True, kw_only=True)
class Compress(Pictured):
    """Plot an autoencoder's rate-distortion curve (bits against reconstruction error), beside PCA's."""


@dataclass(frozen=True, kw_only=True)
class Fidelity(FromTask):
    """Measure how close a model's images are to the data: FID, KID, precision and recall."""

    extractor: str | None = None
    """Run of the classifier whose features are compared; by default the newest on the same data."""
    features: Path | None = None
    """TorchScript file whose features are compared instead, such as an InceptionV3."""
    rows: int = 10_000
    """Images to compare, at most; never more than there are test images."""
