"""A run's config as W&B shows it: flat enough to sort and filter by."""

import os
import platform
from collections.abc import Mapping
from typing import Any

HIDDEN = ("format", "wandb", "axis")
UNFOLDED = ("config", "training")
"""Parts of `config.json` whose entries stand beside the others at W&B."""


def wandb_config(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of the W&B run of what `record`, a run's `config.json`, describes."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if key == "env" and isinstance(value, Mapping):
            flat["env"] = value.get("id")
            flat |= {f"env_{name}": each for name, each in value.items() if name != "id"}
        elif key not in HIDDEN and key not in UNFOLDED:
            flat[key] = value
    for part in UNFOLDED:
        for name, value in (record.get(part) or {}).items():
            flat[f"{part}.{name}" if name in flat else name] = value
    return {**flat, "machine": machine()}


def machine() -> dict[str, Any]:
    """Return what it runs on."""
    return {"system": platform.platform(), "processor": platform.machine(), "cpus": os.cpu_count()}


def wandb_tags(record: Mapping[str, Any]) -> list[str]:
    """Return the tags of a run: what learns, where, and with which network."""
    env, config = record.get("env"), record.get("config") or {}
    place = env.get("id") if isinstance(env, Mapping) else record.get("data")
    network = config.get("network")
    found = (record.get("agent") or record.get("task"), place, network if network != "auto" else None)
    return [str(tag)[-64:] for tag in found if tag]
