"""The state of torch's random generators."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch


def random_state() -> dict[str, np.ndarray]:
    """Return the state of torch's generators, by device."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {f"cuda{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return {name: state.cpu().numpy() for name, state in states.items()}


def set_random_state(states: Mapping[str, np.ndarray]) -> None:
    """Put torch's generators into the `states` that `random_state` returned; those of other devices stay."""
    torch.set_rng_state(torch.tensor(states["cpu"]))
    for index in range(torch.cuda.device_count()):
        if f"cuda{index}" in states:
            torch.cuda.set_rng_state(torch.tensor(states[f"cuda{index}"]), index)


@contextmanager
def seeded_rng(seed: int) -> Iterator[None]:
    """Draw random numbers of the seed `seed` while in the context, and go on as before after it."""
    before = random_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        set_random_state(before)
