"""The options of Stable-Baselines3's algorithms, read off the signatures of their classes."""

import dataclasses
import inspect
import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from gymnasium import Space, spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.utils import LinearSchedule
from torch import nn, optim

from sandlot.tracking import SandlotError, json_object

OURS = ("policy", "env", "seed", "tensorboard_log", "verbose")
"""What the run decides, not the user."""
NOISES = {"normal": NormalActionNoise, "ornstein-uhlenbeck": OrnsteinUhlenbeckActionNoise}
CLASSES = {"activation_fn": nn, "optimizer_class": optim}
"""Options of a policy that are classes, and where their names are looked up."""

Field = tuple[str, Any, Any, str]
"""An option's name, type, default and help."""

COMMON: tuple[Field, ...] = (
    ("num_envs", int, 1, "Environments that step together."),
    ("vec_env", Literal["dummy", "subproc"], "dummy", "Step them one by one, or each in a process of its own."),
    ("policy", str, "auto", "Policy: MlpPolicy, CnnPolicy, MultiInputPolicy …; auto goes by the observations."),
)
NOISE: tuple[Field, ...] = (
    ("noise_type", Literal["none", "normal", "ornstein-uhlenbeck"], "none", "Noise added to the actions in training."),
    ("noise_std", float, 0.1, "Standard deviation of that noise, for actions scaled to [-1, 1]."),
)


def config_for(algorithm: type[BaseAlgorithm]) -> type:
    """Return a frozen dataclass of the options of `algorithm`, with Stable-Baselines3's defaults and words."""
    fields = list(COMMON)
    help_texts = _help_texts(algorithm)
    for name, parameter in parameters(algorithm).items():
        if name == "action_noise":
            fields += NOISE
        elif name not in OURS and (kind := _option_type(parameter.annotation)) is not None:
            default = "{}" if parameter.default is None and NoneType not in get_args(kind) else parameter.default
            fields.append((name, kind, default, help_texts.get(name, "")))
    lines = "\n".join(f"    {name}: {text}" for name, _, _, text in fields)
    return dataclasses.make_dataclass(
        f"{algorithm.__name__}Config",
        [(name, kind, dataclasses.field(default=default)) for name, kind, default, _ in fields],
        frozen=True,
        namespace={"__doc__": f"Hyperparameters of {algorithm.__name__}.\n\nAttributes:\n{lines}\n"},
    )


def parameters(algorithm: type[BaseAlgorithm]) -> Mapping[str, inspect.Parameter]:
    """Return what the constructor of `algorithm` takes, by name."""
    found = inspect.signature(algorithm).parameters
    return {name: parameter for name, parameter in found.items() if not name.startswith("_")}


def arguments(config: Any, algorithm: type[BaseAlgorithm], action: Space) -> dict[str, Any]:
    """Return the arguments for the constructor of `algorithm` that `config` stands for."""
    taken = parameters(algorithm)
    found = {}
    for name, value in dataclasses.asdict(config).items():
        if name in taken:
            found[name] = _value(name, value, _parts(taken[name].annotation))
    if "action_noise" in taken and config.noise_type != "none":
        shape = action.shape or ()
        found["action_noise"] = NOISES[config.noise_type](np.zeros(shape), np.full(shape, config.noise_std))
    return found


def policy_for(name: str, algorithm: type[BaseAlgorithm], observation: Space) -> str:
    """Return the policy of `algorithm` called `name`, or, if that is "auto", the one for such observations."""
    known = list(algorithm.policy_aliases)
    if name == "auto":
        image = isinstance(observation, spaces.Box) and is_image_space(observation)
        kind = "MultiInput" if isinstance(observation, spaces.Dict) else "Cnn" if image else "Mlp"
        found = [alias for alias in known if alias.startswith(kind)]
        if not found:
            raise SandlotError(f"{algorithm.__name__} has no policy for the observations {observation}")
        return found[0]
    if name not in known:
        raise SandlotError(f"{algorithm.__name__} has no policy {name!r}; it has {', '.join(known)}")
    return name


def _value(name: str, value: Any, parts: tuple[Any, ...]) -> Any:
    """Return the option `name` as Stable-Baselines3 takes it: schedules and JSON objects are written as text."""
    if not isinstance(value, str):
        return value
    if any(_is_dict(part) for part in parts):
        return {key: _named_class(key, part) for key, part in json_object(f"--{name.replace('_', '-')}", value).items()}
    if any(_is_callable(part) for part in parts):
        match = re.fullmatch(r"lin_(\d.*)", value)
        try:
            return LinearSchedule(float(match[1] if match else value), 0.0, 1.0)
        except ValueError as error:
            raise SandlotError(
                f"{name} must be a number, or lin_NUMBER for one that falls to 0, not {value!r}"
            ) from error
    return value


def _named_class(key: str, value: Any) -> Any:
    if key not in CLASSES or not isinstance(value, str):
        return value
    if not hasattr(CLASSES[key], value):
        raise SandlotError(f"{key} must be a class of {CLASSES[key].__name__}, such as ReLU or Adam, not {value!r}")
    return getattr(CLASSES[key], value)


def _option_type(annotation: Any) -> Any:
    """Return the type of an option on the command line, or None if it can't be written there."""
    parts = _parts(annotation)
    if any(_is_dict(part) for part in parts):
        return str
    kinds: list[Any] = [kind for kind in (bool, int, float) if kind in parts]
    kinds += [part for part in parts if get_origin(part) is tuple]
    if str in parts or any(_is_callable(part) for part in parts):
        kinds.append(str)
    if kinds and NoneType in parts:
        kinds.append(None)
    return reduce(operator.or_, kinds) if kinds else None


def _parts(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_callable(part: Any) -> bool:
    return part is Callable or get_origin(part) is Callable


def _is_dict(part: Any) -> bool:
    return part is dict or get_origin(part) is dict


def _help_texts(algorithm: type[BaseAlgorithm]) -> dict[str, str]:
    """Return what the class's docstring says of each parameter."""
    found = re.findall(r":param (\w+):(.*?)(?=:param |:return|\Z)", algorithm.__doc__ or "", re.DOTALL)
    return {name: " ".join(text.replace("``", "").split()) for name, text in found}
