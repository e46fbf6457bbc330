"""Hyperparameters of tabular agents."""

from dataclasses import dataclass
from typing import Literal

from sandlot.tracking import require

from .exploration import AnnealSchedule, EpsilonGreedy, Exploration, Softmax
from .td import EligibilityTraces, NStep, OneStep, TDUpdate, TraceKind


@dataclass(frozen=True, kw_only=True)
class TabularConfig:
    """Hyperparameters of every tabular agent."""

    num_envs: int = 16
    """Parallel environments."""
    gamma: float = 0.99
    """Discount factor γ."""
    learning_rate: float = 0.1
    """Step size α at the start."""
    learning_rate_schedule: Literal["constant", "linear", "exponential", "visits"] = "constant"
    """Learning-rate schedule; visits: α divided by the visit count of the state and action, to a power."""
    final_learning_rate: float = 0.0
    """Step size α at the end of a linear or exponential schedule."""
    visits_power: float = 0.8
    """Exponent ω of the visit count; the values converge if 0.5 < ω ≤ 1 (S&B, equation 2.7)."""
    initial_value: float = 0.0
    """Initial action values; optimistic ones, above any return, encourage exploration (S&B, section 2.6)."""
    exploration: Literal["epsilon-greedy", "softmax"] = "epsilon-greedy"
    """Exploration policy; softmax: probabilities in proportion to exp(Q / temperature)."""
    epsilon: float = 0.1
    """Exploration rate ε at the start: the probability of a random action."""
    final_epsilon: float = 0.0
    """Exploration rate ε at the end, unless its schedule is constant."""
    temperature: float = 1.0
    """Softmax temperature at the start."""
    final_temperature: float = 0.01
    """Softmax temperature at the end, unless its schedule is constant."""
    exploration_schedule: AnnealSchedule = "constant"
    """Schedule of ε or the temperature."""
    exploration_fraction: float = 1.0
    """Fraction of the run over which ε or the temperature is annealed."""

    def __post_init__(self) -> None:
        require(self.num_envs >= 1, "num_envs must be at least 1", self.num_envs)
        for name in ("gamma", "epsilon", "final_epsilon", "final_learning_rate"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))
        for name in ("learning_rate", "visits_power", "exploration_fraction"):
            require(0 < getattr(self, name) <= 1, f"{name} must be in (0, 1]", getattr(self, name))
        for name in ("temperature", "final_temperature"):
            require(getattr(self, name) > 0, f"{name} must be positive", getattr(self, name))
        if self.learning_rate_schedule == "exponential":
            rule = "final_learning_rate must be positive for an exponential learning_rate_schedule"
            require(self.final_learning_rate > 0, rule, self.final_learning_rate)
        if self.exploration_schedule == "exponential" and self.exploration == "epsilon-greedy":
            rule = "epsilon and final_epsilon must be positive for an exponential exploration_schedule"
            require(min(self.epsilon, self.final_epsilon) > 0, rule, min(self.epsilon, self.final_epsilon))

    def make_exploration(self) -> Exploration:
        """Return the exploration policy, as it is at the start of a run."""
        schedule, fraction = self.exploration_schedule, self.exploration_fraction
        if self.exploration == "softmax":
            return Softmax(self.temperature, self.final_temperature, schedule, fraction)
        return EpsilonGreedy(self.epsilon, self.final_epsilon, schedule, fraction)

    def make_td_update(self, num_envs: int, num_entries: int) -> TDUpdate:
        """Return what updates a table of `num_entries` values from the transitions of `num_envs` environments."""
        return OneStep(self.gamma)


@dataclass(frozen=True, kw_only=True)
class MultiStepConfig(TabularConfig):
    """Hyperparameters of tabular agents that can learn from n-step returns and by eligibility traces."""

    n_steps: int = 1
    """Steps of n-step returns; as many as the longest episode has make them Monte Carlo returns."""
    trace_decay: float = 0.0
    """Decay rate λ of eligibility traces; 0: one-step updates, 1: Monte Carlo."""
    trace_kind: TraceKind = "replacing"
    """Kind of eligibility traces: a visit sets a replacing one to 1, and adds 1 to an accumulating one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_steps >= 1, "n_steps must be at least 1", self.n_steps)
        require(0 <= self.trace_decay <= 1, "trace_decay must be in [0, 1]", self.trace_decay)
        rule = "n_steps must be 1 with eligibility traces (trace_decay above 0)"
        require(self.n_steps == 1 or self.trace_decay == 0, rule, self.n_steps)

    def make_td_update(self, num_envs: int, num_entries: int) -> TDUpdate:
        """Return one-step updates, n-step returns or eligibility traces, as configured."""
        if self.trace_decay:
            return EligibilityTraces(self.gamma, self.trace_decay, self.trace_kind, num_envs, num_entries)
        if self.n_steps > 1:
            return NStep(self.gamma, self.n_steps, num_envs)
        return OneStep(self.gamma)
