"""The state of a Stable-Baselines3 model as named arrays, without pickle."""

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


def model_arrays(model: BaseAlgorithm) -> dict[str, np.ndarray]:
    """Return the networks, optimizers and counters."""
    arrays = dict(_parameters(model))
    for name in model._get_torch_save_params()[1]:
        arrays[f"{VARIABLE}/{name}"] = _array(recursive_getattr(model, name))
    for name in _counters(model):
        arrays[f"{COUNTER}/{name}"] = np.asarray(getattr(model, name))
    return arrays


def load_model_arrays(model: BaseAlgorithm, arrays: Mapping[str, np.ndarray]) -> None:
    """Load what `model_arrays` returned into a new model of the same kind."""
    states: Any = _states(model, arrays)
    model.set_parameters(states, exact_match=True, device=model.device)
    for name, array in _under(arrays, VARIABLE):
        recursive_getattr(model, name).data.copy_(torch.tensor(array))
    for name, array in _under(arrays, COUNTER):
        setattr(model, name, array.item())
    if hasattr(model, "weights"):  # ARS keeps its parameters a second time, as a vector
        ars: Any = model
        ars.weights = parameters_to_vector(model.policy.parameters()).detach()


def replay_arrays(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """Return the transitions in `buffer`."""
    return {name: array[: buffer.size()] for name, array in _buffer_arrays(buffer)} | {"pos": np.asarray(buffer.pos)}


def load_replay_arrays(buffer: ReplayBuffer, arrays: Mapping[str, np.ndarray]) -> None:
    """Load what `replay_arrays` returned into a new buffer of the same kind."""
    buffer.pos = int(arrays["pos"].item())
    for name, array in _buffer_arrays(buffer):
        array[: len(arrays[name])] = arrays[name]
    buffer.full = len(arrays["rewards"]) == buffer.buffer_size


def end_open_episodes(buffer: ReplayBuffer) -> None:
    """Truncate the latest episodes in `buffer`: the transitions to come are from other environments.

    In a buffer without timeouts, which saves memory by finding the next observation in the next row, they end by
    termination. Stable-Baselines3 does the same where it breaks off an episode.
    """
    if not buffer.size():
        return
    open_episodes = buffer.dones[buffer.pos - 1] == 0
    buffer.dones[buffer.pos - 1] = 1
    if buffer.handle_timeout_termination:
        buffer.timeouts[buffer.pos - 1][open_episodes] = 1


def replay_buffer(model: BaseAlgorithm) -> ReplayBuffer | None:
    """Return the replay buffer of `model`, if it has one."""
    return getattr(model, "replay_buffer", None)


def _parameters(model: BaseAlgorithm) -> Iterator[tuple[str, np.ndarray]]:
    for component, state in model.get_parameters().items():
        if isinstance(recursive_getattr(model, component), Optimizer):
            for index, moments in state["state"].items():
                for name, value in moments.items():
                    yield f"{OPTIMIZER}/{component}/{index}/{name}", _array(value)
        else:
            for name, value in state.items():
                yield f"{MODULE}/{component}/{name}", _array(value)


def _states(model: BaseAlgorithm, arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the state dicts for `set_parameters`. The parameter groups of optimizers are those of a new model."""
    states = model.get_parameters()
    for key, array in _under(arrays, MODULE):
        component, name = key.split("/", 1)
        states[component][name] = torch.tensor(array).reshape(states[component][name].shape)
    for key, array in _under(arrays, OPTIMIZER):
        component, index, name = key.split("/")
        value = torch.tensor(array)
        states[component]["state"].setdefault(int(index), {})[name] = value.squeeze() if name == "step" else value
    return states


def _counters(model: BaseAlgorithm) -> list[str]:
    """Return the names of the numbers that training changes: counts of steps, updates and episodes."""
    hyperparameters = parameters(type(model))
    return [
        name for name, value in vars(model).items() if isinstance(value, int | float) and name not in hyperparameters
    ]


def _buffer_arrays(buffer: ReplayBuffer) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of `buffer`, whose first axis is that of the transitions."""
    for name, value in vars(buffer).items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, dict) and all(isinstance(item, np.ndarray) for item in value.values()):
            yield from ((f"{name}/{key}", item) for key, item in value.items())


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    prefix += "/"
    return ((name.removeprefix(prefix), array) for name, array in arrays.items() if name.startswith(prefix))


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
