"""What the JSON files of a run must hold, checked as they are read: a run may be damaged, or a stranger's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.files import read_json

from .metrics import ENV_STEP, STEP

NUMBER, TEXT = "a number", "a text"
Rule = str | tuple[str, ...]
"""A kind of value, or all the values that there are."""
MODES = ("auto", "online", "offline", "disabled")
CONFIG_RULES: Mapping[str, Rule] = {
    "created": NUMBER,
    "agent": TEXT,
    "task": TEXT,
    "env": "an object or null",
    "env.id": TEXT,
    "env.kwargs": "an object",
    "seed": "a whole number",
    "steps": "a whole number",
    "frames": "a whole number",
    "axis": (ENV_STEP, STEP),
    "monitor": TEXT,
    "data": TEXT,
    "training": "an object",
    "training.checkpoint_every": "a whole number of at least 1",
    "training.video_every": "a whole number",
    "training.video_overlay": "true or false",
    "training.evaluation_episodes": "a whole number of at least 1",
    "config": "an object",
    "versions": "an object",
    "wandb": "an object",
    "wandb.mode": MODES,
    "wandb.project": TEXT,
    "wandb.id": TEXT,
    "wandb.group": TEXT,
}
SUMMARY_RULES: Mapping[str, Rule] = {
    "status": ("finished", "interrupted", "failed"),
    "env_step": "a whole number",
    "step": "a whole number",
    "training_seconds": NUMBER,
    "env_steps_per_second": NUMBER,
    "steps_per_second": NUMBER,
    "evaluation": "an object",
    "evaluation.return": NUMBER,
    "evaluation.return_low": NUMBER,
    "evaluation.return_high": NUMBER,
    "best": "an object or null",
    "best.step": "a whole number",
    "best.value": NUMBER,
    "test": "an object of numbers",
    "test_interval": "two numbers",
}
STATE_RULES: Mapping[str, Rule] = {
    "agent": TEXT,
    "task": TEXT,
    "seed": "a whole number",
    "env_step": "a whole number",
    "step": "a whole number",
    "validations_since_best": "a whole number",
    "best": "an object or null",
    "best.step": "a whole number",
    "best.value": NUMBER,
    "config": "an object",
    "env": "an object or null",
    "metadata": "an object",
    "source": "an object",
    "source.name": TEXT,
}
WANDB_RULES: Mapping[str, Rule] = {"mode": (*MODES, "attached"), "url": "a text or null", "folder": TEXT, "error": TEXT}
NEEDED = {"summary.json": ("status",), "wandb.json": ("mode",)}


def check_config(path: Path) -> dict[str, Any]:
    """Read a run's config."""
    config = _checked(path, CONFIG_RULES)
    if "wandb" not in config or not {"mode", "id"} <= config["wandb"].keys():
        raise SandlotError(f"{path} is damaged: it does not say its wandb mode and id")
    return config


def check_summary(path: Path) -> dict[str, Any]:
    """Read a run's summary."""
    return _checked(path, SUMMARY_RULES)


def check_state(path: Path) -> dict[str, Any]:
    """Read the state in a checkpoint."""
    return _checked(path, STATE_RULES)


def check_wandb(path: Path) -> dict[str, Any]:
    """Read where W&B has a run."""
    return _checked(path, WANDB_RULES)


def _checked(path: Path, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Read the object in the JSON file `path`, whose entries must be as `rules` say, if they are there."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise SandlotError(f"{path} is damaged: it must hold an object")
    for name in NEEDED.get(path.name, ()):
        if name not in value:
            raise SandlotError(f"{path} is damaged: it does not say its {name}")
    for name, rule in rules.items():
        found: Any = value
        for key in name.split("."):
            found = found.get(key, _MISSING) if isinstance(found, dict) else _MISSING
        if found is not _MISSING and not _fits(found, rule):
            said = rule if isinstance(rule, str) else f"one of {', '.join(rule)}"
            raise SandlotError(f"{path} is damaged: {name} must be {said}, not {str(found)[:60]!r}")
    return value


_MISSING = object()


def _fits(value: Any, rule: Rule) -> bool:
    if not isinstance(rule, str):
        return isinstance(value, str) and value in rule
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    match rule:
        case "a text":
            return isinstance(value, str)
        case "a text or null":
            return value is None or isinstance(value, str)
        case "a number":
            return _is_number(value)
        case "a whole number":
            return whole
        case "a whole number of at least 1":
            return whole and value >= 1
        case "true or false":
            return isinstance(value, bool)
        case "an object":
            return isinstance(value, dict)
        case "an object or null":
            return value is None or isinstance(value, dict)
        case "an object of numbers":
            return isinstance(value, dict) and all(map(_is_number, value.values()))
        case "two numbers":
            return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        case _:
            raise AssertionError(rule)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
