"""Checkpoints as W&B artifacts: uploaded beside a run, and downloaded as one."""

from pathlib import Path
from typing import Any

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import read_json

from .layout import CHECKPOINTS, CONFIG, SUMMARY, checkpoint_name
from .metrics import RETURN, read_metrics, step_of

PREFIX = "wandb:"
"""What the name of a run at W&B begins with: wandb:ENTITY/PROJECT/RUN."""


def artifact_name(run_id: str) -> str:
    """Return the name of the artifacts of a W&B run's checkpoints."""
    return f"model-{run_id}"


class CheckpointUploader:
    """Upload checkpoints of the run in `folder` as artifacts: the `best`, the `last`, or `all`."""

    def __init__(self, folder: Path, which: str):
        self.folder, self.which = folder, which
        self._known = set(self._steps())

    def upload_new(self, run: Any) -> None:
        """Upload the checkpoints that are new, if all are wanted."""
        if self.which == "all":
            for step in sorted(set(self._steps()) - self._known):
                self._upload(run, step, [])

    def upload_last(self, run: Any) -> None:
        """Upload what is wanted at the end."""
        steps = self._steps()
        if self.which in ("", "none") or not steps:
            return
        self.upload_new(run)
        best = best_step(self.folder, steps)
        if self.which != "last":
            self._upload(run, best, ["best", *(["last"] if best == steps[-1] else [])])
        if self.which == "last" or (best != steps[-1] and self.which == "all"):
            self._upload(run, steps[-1], ["last"])

    def _steps(self) -> list[int]:
        names = (path.name.removeprefix("step-") for path in (self.folder / CHECKPOINTS).glob("step-*"))
        return sorted(int(name) for name in names if name.isdigit())

    def _upload(self, run: Any, step: int, aliases: list[str]) -> None:
        import wandb

        self._known.add(step)
        artifact = wandb.Artifact(artifact_name(run.id), type="model", metadata={"step": step})
        artifact.add_file(str(self.folder / CONFIG), name=CONFIG)
        name = f"{CHECKPOINTS}/{checkpoint_name(step)}"
        artifact.add_dir(str(self.folder / name), name=name)
        run.log_artifact(artifact, aliases=["latest", f"step-{step}", *aliases])


def best_step(folder: Path, steps: list[int]) -> int:
    """Return which of the checkpoints of `steps` is the best: by the monitored metric, or the return before it."""
    summary = read_json(folder / SUMMARY) if (folder / SUMMARY).exists() else {}
    best = (summary.get("best") or {}).get("step")
    if best in steps:
        return best
    rows = [(step_of(row), row[RETURN]) for row in read_metrics(folder) if RETURN in row]
    latest = {step: [value for at, value in rows if at <= step][-1:] for step in steps}
    return max(steps, key=lambda step: (latest[step] or [float("-inf")])[0])


def download_run(name: str, root: Path) -> Path:
    """Download the run that `name`, wandb:ENTITY/PROJECT/RUN, has at W&B, to a folder in `root`, and return that."""
    parts = name.removeprefix(PREFIX).split("/")
    if len(parts) != 3 or not all(parts):
        raise SandlotError(f"a run at W&B is named wandb:ENTITY/PROJECT/RUN, not {name!r}")
    entity, project, run = parts
    run, _, alias = run.partition(":")
    place = root / f"wandb-{run}"
    try:
        import wandb

        artifact = wandb.Api(timeout=20).artifact(f"{entity}/{project}/{artifact_name(run)}:{alias or 'latest'}")
        artifact.download(root=str(place))
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise SandlotError(
            f"{name} can't be downloaded ({type(error).__name__}: {said}); "
            "checkpoints are at W&B if the run was trained with --log-checkpoints"
        ) from error
    return place
