"""Define the options of the commands, without heavy imports, so that `--help` is quick."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sandlot.tracking import WandbOptions

EnvId = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ENV")]
DataName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
RunName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
RunNames = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class RunsDir:
    """The folder of runs."""

    runs_dir: Path = Path("runs")
    """Folder of the runs."""


@dataclass(frozen=True, kw_only=True)
class Recorded(RunsDir):
    """Options of every training."""

    seed: int = 0
    """Random seed."""
    wandb: Literal["auto", "online", "offline", "disabled"] = "auto"
    """Weights & Biases mode; auto is online if you are logged in, else offline."""
    project: str | None = None
    """W&B project; by default WANDB_PROJECT, else sandlot."""
    wandb_entity: str | None = None
    """W&B user or team; by default WANDB_ENTITY, else yours."""
    wandb_name: str | None = None
    """Name of the run at W&B; by default WANDB_NAME, else that of its folder."""
    wandb_group: str | None = None
    """Group of the run at W&B; by default WANDB_RUN_GROUP, else runs that differ in the seed alone."""
    wandb_job_type: str | None = None
    """Job type at W&B; by default WANDB_JOB_TYPE, else train."""
    wandb_tags: tuple[str, ...] = ()
    """Tags at W&B; by default WANDB_TAGS, else the algorithm, the environment and the network."""
    wandb_notes: str | None = None
    """Notes at W&B; by default WANDB_NOTES."""
    wandb_alerts: bool = False
    """Let W&B send an alert when the run ends, fails or is stopped."""
    log_checkpoints: Literal["none", "best", "last", "all"] = "none"
    """Checkpoints to upload to W&B as artifacts."""

    def wandb_options(self) -> WandbOptions:
        """Return how the run is shown at W&B."""
        return WandbOptions(
            project=self.project,
            entity=self.wandb_entity,
            name=self.wandb_name,
            group=self.wandb_group,
            job_type=self.wandb_job_type,
            tags=self.wandb_tags,
            notes=self.wandb_notes,
            alerts=self.wandb_alerts,
            log_checkpoints=self.log_checkpoints,
        )


@dataclass(frozen=True, kw_only=True)
class Fit(Recorded):
    """Train a task on data and track it."""

    data: DataName
    """A file (csv, tsv, jsonl, txt, parquet), a folder of such files or of images (one subfolder per class), a
    scikit-learn data set (digits, iris, wine, breast-cancer, diabetes), a data set on the Hugging Face hub, or the
    frames of an environment: env:ID for random play, run:RUN for play by a run's agent."""
    frames: int = 10_000
    """For env:ID and run:RUN: frames to collect."""
    env_kwargs: str = "{}"
    """For env:ID: options of the environment, as JSON."""
    from_run: Annotated[str | None, tyro.conf.arg(name="from", metavar="RUN|FOLDER")] = None
    """Pretrained encoder: that of a run (a task, or an agent that observes images), or a folder with a model of
    Hugging Face transformers or timm (config.json, *.safetensors, and for text tokenizer.json)."""
    find_learning_rate: bool = False
    """Find the learning rate with a range test before training."""


@dataclass(frozen=True, kw_only=True)
class Train(Recorded):
    """Train an agent, track it and record videos."""

    env: EnvId
    """Environment id of Gymnasium or PettingZoo."""
    steps: int = 100_000
    """Env steps to train for."""
    env_kwargs: str = "{}"
    """Options of the environment, as JSON: '{"continuous": true}'."""
    imports: Annotated[tuple[str, ...], tyro.conf.arg(name="import", metavar="MODULE")] = ()
    """Modules to import first, which register the environment."""
    backend: Literal["auto", "envpool", "gymnasium"] = "auto"
    """Environment backend; auto is EnvPool where it is installed, faster and equivalent."""
    opponent: str | None = None
    """Opponent in turn-based games: self (past checkpoints; the default), random, scripted, RUN or RUN@STEP."""
    separate: bool = False
    """Separate network for each agent of a parallel multi-agent environment, even if their spaces are equal."""
    checkpoint_every: int = 50_000
    """Env steps between checkpoints."""
    video_every: int = 100_000
    """Env steps between videos of checkpoints; 0 disables them."""
    video_overlay: bool = False
    """Overlay action probabilities and values on videos, as `sandlot record --overlay` does; 1.5 times slower."""
    evaluation_episodes: int = 100
    """Episodes of the final evaluation, with deterministic actions."""
    evaluation_seconds: float = float("inf")
    """Longest time for the evaluation at the end; the episodes that are over then count."""
    encoder: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Run of an autoencoder or agent whose encoder to start from; --freeze keeps it fixed."""


@dataclass(frozen=True, kw_only=True)
class TargetOptions(RunsDir):
    """The trained agent."""

    run: RunName
    """A run's folder or name ("latest" is the newest), or a .zip file of Stable-Baselines3."""
    step: int | None = None
    """Step of the checkpoint to load; the newest by default."""
    stochastic: bool = False
    """Sample actions from the policy in place of deterministic ones."""
    env: str | None = None
    """For a .zip file: environment id."""
    env_kwargs: str = "{}"
    """For a .zip file: options of the environment, as JSON."""
    opponent: str | None = None
    """Opponent in turn-based games: random, scripted, RUN or RUN@STEP; by default that of training, or scripted."""
    algorithm: str | None = None
    """For a .zip file: its algorithm (ppo, sac …), where the file does not name it."""
    trust: bool = False
    """For a .zip file: load it although it holds pickled objects, which can run any code. Only for files you trust."""


@dataclass(frozen=True, kw_only=True)
class Evaluate(TargetOptions):
    """Evaluate a trained agent and report its return."""

    episodes: int = 100
    """Episodes to evaluate."""
    seed: int = 10_000
    """Seed of the environments."""
    evaluation_seconds: float = float("inf")
    """Longest time for the episodes; those that are over then count."""


@dataclass(frozen=True, kw_only=True)
class Record(TargetOptions):
    """Record a video of a trained agent."""

    episodes: int | None = None
    """Episodes to record, in sequence or in a grid; by default one, or as many as the grid holds."""
    grid: str | None = None
    """Grid of episodes, columns x rows, such as 3x2."""
    overlay: bool = False
    """Overlay step, reward, return, action probabilities and values."""
    progress: bool = False
    """Show the same episodes played by several checkpoints, from the first to the last, side by side."""
    gif: bool = False
    """Write a GIF beside the video."""
    seconds: float | None = None
    """Maximum length of an episode in the video; by default 300 where the environment has no time limit."""
    seed: int = 20_000
    """Seed of the first episode; each further one adds 1."""
    output: Path | None = None
    """File to write; by default in the run's videos, or for a .zip file in the current folder."""


@dataclass(frozen=True, kw_only=True)
class Play(TargetOptions):
    """Open a page in the browser to watch the agent live, take over its controls, or play a board game against it."""

    host: str = "127.0.0.1"
    """Address to listen on; the default is reachable from this computer only."""
    port: int = 8400
    """Port to listen on; 0 picks a free one."""
    seed: int = 0
    """Seed of the first episode."""


@dataclass(frozen=True, kw_only=True)
class Resume(RunsDir):
    """Resume a run that was stopped or killed."""

    run: RunName
    """A run's folder or name; "latest" is the newest."""
    step: int | None = None
    """Step of the checkpoint to resume from; the newest by default. Later checkpoints are deleted."""
    steps: int | None = None
    """Total env steps (of an agent) or gradient steps to train for; by default those of the run."""


@dataclass(frozen=True, kw_only=True)
class Envs:
    """List environments by id: those of Gymnasium, PettingZoo and installed packages, and packages to install."""

    word: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WORD")] = ""
    """Only those with this in the name of the environment or its package."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Search for hyperparameters with a sweep of W&B: create it from a file, and work on it here."""

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """YAML file of the sweep, in W&B's words: method, metric, parameters, and a command that has "${args}"."""
    count: int | None = None
    """The most trials to run here; by default all that the sweep has."""
    project: str | None = None
    """W&B project; by default the file's, else WANDB_PROJECT, else sandlot."""
    wandb_entity: str | None = None
    """W&B user or team; by default the file's, else WANDB_ENTITY, else yours."""


@dataclass(frozen=True, kw_only=True)
class Compare(RunsDir):
    """Compare runs: returns, speed and configuration."""

    run: RunNames
    """Two or more runs' folders or names."""
    output: Path = Path("compare.png")
    """PNG file of the learning curves."""


@dataclass(frozen=True, kw_only=True)
class FromTask(RunsDir):
    """A trained task."""

    run: RunName
    """A run's folder or name; "latest" is the newest."""
    step: int | None = None
    """Step of the checkpoint to load; the best by default."""


@dataclass(frozen=True, kw_only=True)
class Predict(FromTask):
    """Predict each row of new files with a run's task."""

    files: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE")] = ()
    """Files or folders of the kind it was trained on: tables, text, images."""
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


@dataclass(frozen=True, kw_only=True)
class ListRuns(RunsDir):
    """List the runs, the newest first."""

    all: bool = False
    """List all of them; by default the newest 20."""
