"""All that a Stable-Baselines3 model has learned, as named arrays, without pickle."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.save_util import recursive_getattr
from torch import Tensor
from torch.nn.utils import parameters_to_vector
from torch.optim import Optimizer

from .config import parameters

MODULE, OPTIMIZER, VARIABLE, COUNTER = "module", "optimizer", "variable", "counter"


def arrays_of(model: BaseAlgorithm) -> dict[str, np.ndarray]:
    """Return the networks, optimizers and counters."""
    found = dict(_parameters(model))
    for name in model._get_torch_save_params()[1]:
        found[f"{VARIABLE}/{name}"] = _array(recursive_getattr(model, name))
    for name in _counters(model):
        found[f"{COUNTER}/{name}"] = np.asarray(getattr(model, name))
    return found


def load_arrays(model: BaseAlgorithm, arrays: Mapping[str, np.ndarray]) -> None:
    """Give `model`, which is new, what `arrays_of` returned for one like it."""
    states: Any = _states(model, arrays)
    model.set_parameters(states, exact_match=True, device=model.device)
    for name, array in _under(arrays, VARIABLE):
        recursive_getattr(model, name).data.copy_(torch.tensor(array))
    for name, array in _under(arrays, COUNTER):
        setattr(model, name, array.item())
    if hasattr(model, "weights"):  # ARS keeps its parameters once more as a vector
        model.weights = parameters_to_vector(model.policy.parameters()).detach()  # pyright: ignore[reportAttributeAccessIssue]


def transitions_of(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """Return what `buffer` holds."""
    return {name: array[: buffer.size()] for name, array in _stored(buffer)} | {"pos": np.asarray(buffer.pos)}


def load_transitions(buffer: ReplayBuffer, arrays: Mapping[str, np.ndarray]) -> None:
    """Give `buffer`, which is new, what `transitions_of` returned for one like it."""
    buffer.pos = int(arrays["pos"].item())
    for name, array in _stored(buffer):
        array[: len(arrays[name])] = arrays[name]
    buffer.full = len(arrays["rewards"]) == buffer.buffer_size


def cut_episodes(buffer: ReplayBuffer) -> None:
    """Mark that the transitions to come don't follow those in `buffer`: they are from other environments.

    A buffer without timeouts, which saves memory by finding the next observation in the next row, takes this
    for an end. Stable-Baselines3 does so too where it breaks off an episode.
    """
    if not buffer.size():
        return
    going_on = buffer.dones[buffer.pos - 1] == 0
    buffer.dones[buffer.pos - 1] = 1
    if buffer.handle_timeout_termination:
        buffer.timeouts[buffer.pos - 1][going_on] = 1


def replay_buffer(model: BaseAlgorithm) -> ReplayBuffer | None:
    """Return the replay buffer of `model`, if it has one."""
    return getattr(model, "replay_buffer", None)


def _parameters(model: BaseAlgorithm) -> Iterator[tuple[str, np.ndarray]]:
    for part, state in model.get_parameters().items():
        if isinstance(recursive_getattr(model, part), Optimizer):
            for index, moments in state["state"].items():
                for name, value in moments.items():
                    yield f"{OPTIMIZER}/{part}/{index}/{name}", _array(value)
        else:
            for name, value in state.items():
                yield f"{MODULE}/{part}/{name}", _array(value)


def _states(model: BaseAlgorithm, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the state dicts that `set_parameters` wants. The groups of optimizers are as in a new model."""
    states = model.get_parameters()
    for key, array in _under(arrays, MODULE):
        part, name = key.split("/", 1)
        states[part][name] = torch.tensor(array).reshape(states[part][name].shape)
    for key, array in _under(arrays, OPTIMIZER):
        part, index, name = key.split("/")
        value = torch.tensor(array)
        states[part]["state"].setdefault(int(index), {})[name] = value.squeeze() if name == "step" else value
    return states


def _counters(model: BaseAlgorithm) -> list[str]:
    """Return the names of the numbers that training changes: how many steps, updates, episodes there were."""
    given = parameters(type(model))
    return [name for name, value in vars(model).items() if isinstance(value, int | float) and name not in given]


def _stored(buffer: ReplayBuffer) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of `buffer`, each with the transitions as first axis."""
    for name, value in vars(buffer).items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, dict) and all(isinstance(part, np.ndarray) for part in value.values()):
            yield from ((f"{name}/{key}", part) for key, part in value.items())


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    prefix += "/"
    return ((name.removeprefix(prefix), array) for name, array in arrays.items() if name.startswith(prefix))


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
