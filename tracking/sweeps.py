"""Sweeps of W&B: made of a YAML file, and worked through by an agent on this machine."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from sandlot.tracking.common.errors import SandlotError

METHODS = ("grid", "random", "bayes")


def read_sweep(path: Path) -> dict[str, Any]:
    """Return the sweep that the YAML file `path` describes, in W&B's words."""
    try:
        import yaml

        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SandlotError(f"{path} can't be read: {error.strerror or error}") from error
    except Exception as error:
        raise SandlotError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(config, dict) or not isinstance(config.get("parameters"), dict) or not config["parameters"]:
        raise SandlotError(
            f"{path} must have `parameters`, such as\nparameters:\n  learning_rate: {{values: [1e-3, 1e-4]}}"
        )
    if config.get("method") not in METHODS:
        raise SandlotError(f"{path} must have a `method`: {', '.join(METHODS)}, not {config.get('method')!r}")
    if not isinstance(config.get("command"), list):
        raise SandlotError(
            f"{path} must have a `command`, such as\ncommand: [sandlot, train, ppo, CartPole-v1, '${{args}}']"
        )
    return config


def run_sweep(config: dict[str, Any], *, project: str | None, entity: str | None, count: int | None) -> None:
    """Create a sweep at W&B and work on it here, for `count` trials at most."""
    try:
        import wandb

        name = wandb.sweep(config, project=project, entity=entity)
    except Exception as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise SandlotError(f"W&B did not take the sweep: {said}; sweeps need a login: wandb login") from error
    where = [*(["--project", project] if project else []), *(["--entity", entity] if entity else [])]
    limit = ["--count", str(count)] if count else []
    done = subprocess.run([sys.executable, "-m", "wandb", "agent", *where, *limit, name], check=False)
    if done.returncode:
        raise SandlotError(f"the sweep's agent ended with status {done.returncode}; go on with: wandb agent {name}")
