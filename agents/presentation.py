"""How an agent shows itself: as text, in a notebook, as a film."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot.tracking import RETURN, VIDEOS, SandlotError, checkpoint_name, read_metrics, require
from sandlot.tracking.common.numbers import number

if TYPE_CHECKING:
    from .base import Agent


def properties(agent: "Agent") -> dict[str, str]:
    """Return what there is to say of an agent, by name."""
    rows = {"algorithm": agent.name, "environment": agent.env_factory.name if agent.env_factory else "spaces only"}
    parameters = {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in vars(agent).items()
        if callable(getattr(part, "parameters", None)) and not name.startswith("_")
    }
    if parameters:
        network = getattr(agent.config, "network", None)
        named = f"{network}: " if network else ""
        rows["network"] = named + ", ".join(f"{name} {count:,} parameters" for name, count in parameters.items())
    rows["env steps"] = f"{agent.env_step:,}"
    if (value := latest_return(agent)) is not None:
        rows["return"] = number(value)
    if agent.run is not None:
        rows["run"] = str(agent.run.folder)
    return rows


def latest_return(agent: "Agent") -> float | None:
    """Return the return of the agent's evaluation, or else of its latest training episodes."""
    if agent.run is None:
        return agent.training_progress.latest_return
    evaluation = agent.run.summary.get("evaluation")
    if evaluation:
        return evaluation["return"]
    returns = [row[RETURN] for row in read_metrics(agent.run.folder) if RETURN in row]
    return returns[-1] if returns else None


def agent_text(agent: "Agent") -> str:
    """Return the agent in one line."""
    shown = properties(agent)
    name, env = shown.pop("algorithm"), shown.pop("environment")
    return f"<{name} in {env}; {'; '.join(f'{key} {value}' for key, value in shown.items())}>"


def agent_html(agent: "Agent") -> str:
    """Return the agent as a small table, with the learning curve if it has a run."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{key}</th><td style='text-align:left'>{html.escape(value)}</td></tr>"
        for key, value in properties(agent).items()
    )
    curve = agent.run.plot() if agent.run is not None else None
    return f"<table>{rows}</table>{curve._repr_html_() if curve else ''}"


def check_positional(name: str, given: tuple[object, ...]) -> None:
    """Raise `SandlotError` if an agent is made with a policy, as Stable-Baselines3's are."""
    policy = given[0] if given and isinstance(given[0], str) and given[0].endswith("Policy") else None
    if policy or (len(given) > 1 and isinstance(given[0], str)):
        said = f"{policy!r} is a policy of Stable-Baselines3; here " if policy else ""
        raise SandlotError(
            f"{said}{name} takes the environment first and the rest by name, as in {name}('CartPole-v1', seed=1); "
            "the policy follows from the spaces, and `network` chooses another"
        )


def film_agent(agent: "Agent", path: str | Path | None = None, *, episodes: int = 1, seed: int = 20_000) -> Path:
    """Film `episodes` of the agent into an MP4 file, by default in its run's videos, and return its path."""
    from .films.film import Clip, FilmOptions, film_episodes

    require(episodes >= 1, "episodes must be at least 1", episodes)
    if agent.env_factory is None or agent.env_factory.env_spec is None:
        raise SandlotError("only an agent of an environment with an id can be filmed, as in PPO('CartPole-v1')")
    if path is None:
        name = f"{checkpoint_name(agent.env_step)}-seed{seed}.mp4"
        path = agent.run.folder / VIDEOS / name if agent.run else Path(f"{agent.name.replace(':', '-')}-{name}")
    elif Path(path).suffix != ".mp4":
        raise SandlotError(f"a film is an .mp4 file, not {str(path)!r}")
    clips = [Clip(agent.acting_copy(), seed + index) for index in range(episodes)]
    film_episodes(clips, agent.env_factory.env_spec.playable(), Path(path), FilmOptions(seconds=300))
    return Path(path)
