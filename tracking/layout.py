"""Layout of a run's folder."""

CONFIG, SUMMARY, COMMAND, METRICS = "config.json", "summary.json", "command.txt", "metrics.jsonl"
WANDB_STATE = "wandb.json"
CHECKPOINTS, VIDEOS, IMAGES, TABLES, EXPERIENCE = "checkpoints", "videos", "images", "tables", "experience"
CURVE = f"{IMAGES}/learning-curve.png"


def checkpoint_name(step: int) -> str:
    """Return the file name, without suffix, of `step`."""
    return f"step-{step:09d}"
