"""The state of torch's random generators."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

LOCK = threading.RLock()
"""Held by the thread that draws from torch's generators, of which a process has one a device."""


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
    with LOCK:
        before = random_state()
        torch.manual_seed(seed)
        try:
            yield
        finally:
            set_random_state(before)


class RandomStream:
    """Random numbers of one training: torch's generators, lent to it for a step at a time.

    Trainings in several threads so draw what each would alone: one waits while another takes its step.
    """

    def __init__(self, states: Mapping[str, np.ndarray]):
        self.states = dict(states)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw from this stream while in the context, and leave torch's generators as they were."""
        with LOCK:
            outside = random_state()
            set_random_state(self.states)
            try:
                yield
            finally:
                self.states = random_state()
                set_random_state(outside)
