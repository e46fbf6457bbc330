"""Where things lie in a run's folder."""

CONFIG, SUMMARY, COMMAND, METRICS = "config.json", "summary.json", "command.txt", "metrics.jsonl"
WANDB_STATE = "wandb.json"
CHECKPOINTS, VIDEOS, IMAGES, EXPERIENCE = "checkpoints", "videos", "images", "experience"
CURVE = f"{IMAGES}/learning-curve.png"


def step_name(env_step: int) -> str:
    """Return the name, without suffix, of what a run keeps of `env_step`."""
    return f"step-{env_step:09d}"
