"""Random seeds."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def derived_seed(seed: int, *path: int) -> int:
    """Derive the seed of a segment or epoch from the run's `seed`."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0] >> 1)


def seed_everything(seed: int) -> None:
    """Seed the global random generators."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Restore the global random generators at the end of the context."""
    torch = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()
    tensors = None if torch is None else (torch.get_rng_state(), torch.cuda.get_rng_state_all())
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        if torch is not None and tensors is not None:
            torch.set_rng_state(tensors[0])
            torch.cuda.set_rng_state_all(tensors[1])
