"""How a run is shown at W&B."""

import dataclasses
from typing import Any, Literal

WandbMode = Literal["auto", "online", "offline", "disabled"]
"""Whether a run is mirrored to W&B; auto is as WANDB_MODE says, else online if you are logged in, else offline."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WandbOptions:
    """How a run is shown at W&B. What is None is left to W&B's variables (WANDB_PROJECT …), then to a default."""

    project: str | None = None
    """W&B project; by default WANDB_PROJECT, else sandlot."""
    entity: str | None = None
    """W&B user or team; by default WANDB_ENTITY, else yours."""
    name: str | None = None
    """Name of the run at W&B; by default that of its folder."""
    group: str | None = None
    """Group of runs at W&B; by default those that differ in the seed alone."""
    job_type: str | None = None
    """Job type at W&B; by default train."""
    tags: tuple[str, ...] = ()
    """Tags at W&B, beside those of algorithm, environment and network."""
    notes: str | None = None
    """Notes at W&B."""
    log_checkpoints: Literal["none", "best", "last", "all"] = "none"
    """Checkpoints to upload to W&B as artifacts."""
    alerts: bool = False
    """Let W&B send an alert when the run ends, fails or is stopped."""

    def to_json(self) -> dict[str, Any]:
        """Return what is set."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value and value != "none"}
