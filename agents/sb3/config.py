"""Config dataclasses for Stable-Baselines3's algorithms, made from the signatures of their classes."""

import dataclasses
import inspect
import operator
import re
from collections.abc import Callable, Mapping
from functools import reduce
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import numpy as np
from gymnasium import Space, spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.utils import LinearSchedule
from torch import nn, optim

from sandlot.tracking import SandlotError, json_object

RESERVED = ("policy", "env", "seed", "tensorboard_log", "verbose")
"""Parameters that are no options: the run sets them, or COMMON has them."""
NOISES = {"normal": NormalActionNoise, "ornstein-uhlenbeck": OrnsteinUhlenbeckActionNoise}
CLASSES = {"activation_fn": nn, "optimizer_class": optim}
"""Policy options that are classes, and the modules in which their names are looked up."""


class Option(NamedTuple):
    """A field of a config."""

    name: str
    type: Any
    default: Any
    help: str


COMMON = (
    Option("num_envs", int, 1, "Parallel environments."),
    Option("vec_env", Literal["dummy", "subproc"], "dummy", "Vector environment: in one process, or in one for each."),
    Option("policy", str, "auto", "Policy: MlpPolicy, CnnPolicy or MultiInputPolicy; auto fits the observations."),
)
NOISE = (
    Option("noise_type", Literal["none", "normal", "ornstein-uhlenbeck"], "none", "Exploration noise on the actions."),
    Option("noise_std", float, 0.1, "Standard deviation of the noise, for actions scaled to [-1, 1]."),
)


def make_config_class(algorithm: type[BaseAlgorithm]) -> type:
    """Return a frozen dataclass of the options of `algorithm`, with Stable-Baselines3's defaults and help texts."""
    options = list(COMMON)
    help_texts = _help_texts(algorithm)
    for name, parameter in parameters(algorithm).items():
        if name == "action_noise":
            options += NOISE
        elif name not in RESERVED and (option_type := _option_type(parameter.annotation)) is not None:
            default = "{}" if parameter.default is None and NoneType not in get_args(option_type) else parameter.default
            options.append(Option(name, option_type, default, help_texts.get(name, "")))
    lines = "\n".join(f"    {option.name}: {option.help}" for option in options)
    return dataclasses.make_dataclass(
        f"{algorithm.__name__}Config",
        [(option.name, option.type, dataclasses.field(default=option.default)) for option in options],
        frozen=True,
        namespace={"__doc__": f"Hyperparameters of {algorithm.__name__}.\n\nAttributes:\n{lines}\n"},
    )


def parameters(algorithm: type[BaseAlgorithm]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of the constructor of `algorithm`, by name."""
    signature = inspect.signature(algorithm)
    return {name: parameter for name, parameter in signature.parameters.items() if not name.startswith("_")}


def constructor_arguments(config: Any, algorithm: type[BaseAlgorithm], action_space: Space) -> dict[str, Any]:
    """Return the arguments of the constructor of `algorithm` that `config` gives."""
    accepted = parameters(algorithm)
    arguments = {}
    for name, value in dataclasses.asdict(config).items():
        if name in accepted:
            arguments[name] = _argument(name, value, _union_members(accepted[name].annotation))
    if "action_noise" in accepted and config.noise_type != "none":
        shape = action_space.shape or ()
        arguments["action_noise"] = NOISES[config.noise_type](np.zeros(shape), np.full(shape, config.noise_std))
    return arguments


def resolve_policy(name: str, algorithm: type[BaseAlgorithm], observation_space: Space) -> str:
    """Return the policy `name` of `algorithm`, or, if that is "auto", the one that fits the observations."""
    known = list(algorithm.policy_aliases)
    if name == "auto":
        is_image = isinstance(observation_space, spaces.Box) and is_image_space(observation_space)
        prefix = "MultiInput" if isinstance(observation_space, spaces.Dict) else "Cnn" if is_image else "Mlp"
        matching = [alias for alias in known if alias.startswith(prefix)]
        if not matching:
            raise SandlotError(f"{algorithm.__name__} has no policy for the observations {observation_space}")
        return matching[0]
    if name not in known:
        raise SandlotError(f"{algorithm.__name__} has no policy {name!r}; it has {', '.join(known)}")
    return name


def _argument(name: str, value: Any, types: tuple[Any, ...]) -> Any:
    """Return the value of an option as Stable-Baselines3 takes it; schedules and dicts are strings on our side."""
    if not isinstance(value, str):
        return value
    if any(map(_is_dict, types)):
        return {key: _named_class(key, item) for key, item in json_object(f"--{name.replace('_', '-')}", value).items()}
    if any(map(_is_callable, types)):
        match = re.fullmatch(r"lin_(\d.*)", value)
        try:
            return LinearSchedule(float(match[1] if match else value), 0.0, 1.0)
        except ValueError as error:
            raise SandlotError(
                f"{name} must be a number, or lin_NUMBER for a linear schedule to 0, not {value!r}"
            ) from error
    return value


def _named_class(key: str, value: Any) -> Any:
    if key not in CLASSES or not isinstance(value, str):
        return value
    if not hasattr(CLASSES[key], value):
        raise SandlotError(f"{key} must be a class of {CLASSES[key].__name__}, such as ReLU or Adam, not {value!r}")
    return getattr(CLASSES[key], value)


def _option_type(annotation: Any) -> Any:
    """Return the type of an option on the command line, or None if it has none there."""
    members = _union_members(annotation)
    if any(map(_is_dict, members)):
        return str
    types: list[Any] = [member for member in (bool, int, float) if member in members]
    types += [member for member in members if get_origin(member) is tuple]
    if str in members or any(map(_is_callable, members)):
        types.append(str)
    if types and NoneType in members:
        types.append(None)
    return reduce(operator.or_, types) if types else None


def _union_members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_callable(annotation: Any) -> bool:
    return annotation is Callable or get_origin(annotation) is Callable


def _is_dict(annotation: Any) -> bool:
    return annotation is dict or get_origin(annotation) is dict


def _help_texts(algorithm: type[BaseAlgorithm]) -> dict[str, str]:
    """Return the help text of each parameter from the docstring of the class."""
    found = re.findall(r":param (\w+):(.*?)(?=:param |:return|\Z)", algorithm.__doc__ or "", re.DOTALL)
    return {name: " ".join(text.replace("``", "").split()) for name, text in found}
