"""Hyperparameters that off-policy agents share, and the shape of what they sample."""

from dataclasses import dataclass
from typing import NamedTuple

from sandlot.agents.spaces.observation_encoder import NetworkConfig
from sandlot.supervised import LearnerConfig
from sandlot.tracking import require

LOG_EVERY = 250
"""Env steps between rows of metrics, at least."""


@dataclass(frozen=True, kw_only=True)
class OffPolicyConfig(LearnerConfig, NetworkConfig):
    """Hyperparameters of learning from a replay buffer."""

    num_envs: int = 1
    """Number of parallel environments."""
    buffer_size: int = 100_000
    """Capacity of the replay buffer in env steps."""
    learning_starts: int = 1_000
    """Env steps before the first update."""
    train_freq: int = 1
    """Env steps between updates."""
    gradient_steps: int = 1
    """Gradient steps per update."""
    batch_size: int = 256
    """Batch size."""
    gamma: float = 0.99
    """Discount factor γ."""
    n_step: int = 1
    """Rewards summed before bootstrapping (n-step returns)."""
    tau: float = 1.0
    """Polyak coefficient τ; 1 is a hard update."""
    her: bool = False
    """Hindsight experience replay (Andrychowicz et al., 2017), for environments with goals."""
    her_ratio: float = 0.8
    """Fraction of sampled goals that her replaces by goals achieved later."""
    burn_in: int = 8
    """For networks with memory: rows of a sequence that only fill the memory (burn-in)."""
    sequence_length: int = 16
    """For networks with memory: rows of a sequence to learn from, after the burn-in; must divide batch_size."""

    def __post_init__(self) -> None:
        LearnerConfig.__post_init__(self)
        NetworkConfig.__post_init__(self)
        for name in ("num_envs", "train_freq", "gradient_steps", "batch_size", "n_step", "sequence_length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in ("learning_starts", "burn_in"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        require(0 <= self.her_ratio <= 1, "her_ratio must be in [0, 1]", self.her_ratio)
        require(not self.her or self.n_step == 1, "her needs n_step 1", self.n_step)
        require(0 <= self.gamma <= 1, "gamma must be in [0, 1]", self.gamma)
        require(0 < self.tau <= 1, "tau must be in (0, 1]", self.tau)
        least = max(self.num_envs * (self.burn_in + self.sequence_length + self.n_step), self.batch_size)
        require(self.buffer_size >= least, f"buffer_size must be at least {least}", self.buffer_size)

    def updates_until(self, steps: int, env_step: int) -> int:
        """Return the gradient steps of a training from `env_step` to `steps`."""
        return max(0, steps - env_step) // self.train_freq * self.gradient_steps


class SampleShape(NamedTuple):
    """Shape of a gradient step's sample: rows, or sequences for networks with memory."""

    size: int
    """Rows, or sequences."""
    length: int
    """Rows of a sequence, burn-in included; 1 for single rows."""
    burn_in: int
    sequences: bool

    @classmethod
    def of(cls, config: OffPolicyConfig, has_memory: bool) -> "SampleShape":
        """Return the shape for a network with or without memory."""
        require(not (config.her and has_memory), "her is for networks without memory", config.network)
        if not has_memory:
            return cls(config.batch_size, 1, 0, sequences=False)
        length = config.sequence_length
        rule = f"batch_size must be a multiple of sequence_length, {length}, for networks with memory"
        require(config.batch_size % length == 0, rule, config.batch_size)
        return cls(config.batch_size // length, config.burn_in + length, config.burn_in, sequences=True)
