"""Seeds of the parts of a run."""

import random
import sys

import numpy as np


def derived_seed(seed: int, *path: int) -> int:
    """Return the seed of a part of the run with the seed `seed`: of a segment, of an epoch."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0] >> 1)


def seed_everything(seed: int) -> None:
    """Seed the generators that environments and networks may use unasked."""
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
