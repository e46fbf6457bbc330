"""How gradient steps are taken."""

from dataclasses import dataclass
from typing import Literal

from sandlot.tracking import require

from .device import Precision
from .optimizers import BETAS, Betas
from .schedules import LearningRateSchedule


@dataclass(frozen=True, kw_only=True)
class LearnerConfig:
    """Optimizer, device and precision of the gradient steps."""

    learning_rate: float = 3e-4
    """Initial learning rate."""
    learning_rate_schedule: LearningRateSchedule = "constant"
    """Learning rate schedule: linear and cosine decay to 0, step divides by ten at 50 % and 75 %, one-cycle warms up
    to learning_rate and decays."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "adam"
    """Optimizer."""
    optimizer_epsilon: float = 1e-5
    """ε in the denominator of Adam, RMSprop and Adagrad (1e-5 for PPO in Baselines)."""
    weight_decay: float = 0.0
    """Weight decay: L2 for most optimizers, decoupled for AdamW."""
    l1: float = 0.0
    """L1 regularisation coefficient."""
    momentum: float = 0.0
    """Momentum of SGD and RMSprop."""
    betas: Betas = BETAS
    """Adam's β₁ and β₂."""
    max_grad_norm: float = 0.5
    """Clip gradients to this L2 norm; 0 disables clipping."""
    device: str = "auto"
    """Device to learn on: cpu, cuda, cuda:1, mps; auto is a GPU if there is one and the networks are large enough."""
    precision: Precision = "auto"
    """Precision of the networks' arithmetic: auto is bfloat16 for large networks on GPUs that have it, else float32;
    tf32 is for GPUs."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Compile the gradient step; auto does so on a CPU when the run is long enough to repay it."""
    cuda_graphs: Literal["auto", "off"] = "auto"
    """Run each gradient step on a GPU as one CUDA graph where it can be captured."""

    def __post_init__(self) -> None:
        require(0 < self.learning_rate <= 100, "learning_rate must be in (0, 100]", self.learning_rate)
        require(self.optimizer_epsilon > 0, "optimizer_epsilon must be positive", self.optimizer_epsilon)
        require(self.weight_decay >= 0, "weight_decay must be at least 0", self.weight_decay)
        require(self.l1 >= 0, "l1 must be at least 0", self.l1)
        require(0 <= self.momentum < 1, "momentum must be in [0, 1)", self.momentum)
        require(all(0 <= beta < 1 for beta in self.betas), "betas must be in [0, 1)", self.betas)
        require(self.max_grad_norm >= 0, "max_grad_norm must be at least 0", self.max_grad_norm)
