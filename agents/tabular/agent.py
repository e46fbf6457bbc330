"""What agents share that keep a table of action values.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018 (S&B).
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Float, Int

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.envs import Observation, Step, TransitionTable, tree_leaves
from sandlot.tracking import SandlotError, require

from .exploration import AnnealSchedule, Worth, annealed, draw_epsilon_greedy, draw_softmax, legal
from .planning import greedy, optimum, policy_return
from .state_index import States
from .td import Credit, OneStep, TraceKind, Traces, Transitions, Values, Window

METRICS_EVERY = 1_000
"""Env steps between rows of metrics."""
LARGEST_TABLE = 100_000_000

Allowed = Bool[np.ndarray, "batch action"] | None


@dataclass(frozen=True, kw_only=True)
class TabularConfig:
    """Hyperparameters of agents with a table."""

    num_envs: int = 16
    """Environments that step side by side."""
    gamma: float = 0.99
    """Discount."""
    learning_rate: float = 0.1
    """Step size (α), at the start."""
    learning_rate_schedule: Literal["constant", "linear", "exponential", "visits"] = "constant"
    """How α falls over the run; visits: divided by the number of visits to the state and action, to a power."""
    final_learning_rate: float = 0.0
    """Where linear and exponential α end."""
    visits_power: float = 0.8
    """Power of the number of visits (ω); above 0.5 and up to 1, the values converge (S&B's equation 2.7)."""
    initial_value: float = 0.0
    """Value of what has not been tried; more than can be had makes the agent try it (S&B, section 2.6)."""
    exploration: Literal["epsilon-greedy", "softmax"] = "epsilon-greedy"
    """How actions are drawn: the best but for a random one now and then, or by exp(value / temperature)."""
    epsilon: float = 0.1
    """Chance of a random action (ε), at the start."""
    final_epsilon: float = 0.0
    """Where a falling ε ends."""
    temperature: float = 1.0
    """Temperature of softmax, at the start."""
    final_temperature: float = 0.01
    """Where a falling temperature ends."""
    exploration_schedule: AnnealSchedule = "constant"
    """How ε or the temperature falls."""
    exploration_fraction: float = 1.0
    """Part of the run over which it falls."""

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


@dataclass(frozen=True, kw_only=True)
class MultiStepConfig(TabularConfig):
    """Hyperparameters of agents whose rewards can be felt further back than one step."""

    n_steps: int = 1
    """Rewards that a return sums before it bootstraps; more than an episode has makes it Monte Carlo."""
    trace_decay: float = 0.0
    """λ: how far back eligibility traces spread an error; 0 for one step, 1 for the whole episode."""
    trace_kind: TraceKind = "replacing"
    """Whether a visit sets an eligibility trace to 1 or adds 1 to it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.n_steps >= 1, "n_steps must be at least 1", self.n_steps)
        require(0 <= self.trace_decay <= 1, "trace_decay must be in [0, 1]", self.trace_decay)
        rule = "n_steps must be 1 with eligibility traces (trace_decay above 0)"
        require(self.n_steps == 1 or self.trace_decay == 0, rule, self.n_steps)


class TabularAgent(Agent):
    """Look up action values in a table, and move them by what each step shows.

    Subclasses say what the next state is worth: `next_value`.
    """

    tables: ClassVar[int] = 1
    config: TabularConfig

    @abstractmethod
    def next_value(self, state: Int[np.ndarray, "env"], allowed: Allowed) -> Float[np.ndarray, "env"]:
        """Return what it is worth to be in `state` after the last step."""

    def next_action(self, state: Int[np.ndarray, "env"], allowed: Allowed, step: Step) -> Int[np.ndarray, "env"]:
        """Return what to do in `state`, where `step` has led."""
        return self.explore(self.worth(state, allowed))

    def _build(self) -> None:
        config, action = self.config, self.spaces.action
        self.states = States(self.spaces.observation, self.name)
        if not isinstance(action, spaces.Discrete):
            raise SandlotError(f"{self.name} can't act in the space {action}; it acts in Discrete")
        self.num_actions, self._first_action = int(action.n), int(action.start)
        cells = self.tables * self.states.count * self.num_actions
        if cells > LARGEST_TABLE:
            raise SandlotError(f"{self.name} would need a table of {cells:,} values for {self.spaces.observation}")
        self.values = Values(cells, config.initial_value, config.learning_rate_schedule == "visits")
        self.q: Float[np.ndarray, "table state action"] = self.values.q.reshape(self.tables, -1, self.num_actions)
        self.rng = np.random.default_rng(self.seed)
        self._set_rates()

    def prepare(self, steps: int) -> None:
        self.progress = min(self.env_step / steps, 1.0)

    def reset(self, observation: Observation, seed: int) -> None:
        num_envs = len(next(tree_leaves(observation)))
        self.rng = np.random.default_rng(seed)
        self.credit = self._credit(num_envs)
        self._table: Any = 0
        """The table that each environment's last step is to change."""
        self._set_rates()
        self._state, self._allowed = self.states.read(observation)
        self._action = self.explore(self.worth(self._state, self._allowed))
        self._due = self.env_step + METRICS_EVERY

    def exploration_action(self) -> np.ndarray:
        return self._action + self._first_action

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self._set_rates()
        cut, value_before = self._cut()
        after, allowed = self.states.read(step.next_observation)
        value = self.next_value(after, allowed)
        cell = (self._table * self.states.count + self._state) * self.num_actions + self._action
        ended = step.terminated | step.truncated
        value = np.where(step.terminated, 0.0, value)
        moved = Transitions(cell, step.reward, value, step.valid, ended, cut, value_before)
        error = self.credit.learn(self.values, moved)
        if step.observation is not step.next_observation:
            after, allowed = self.states.read(step.observation)
        self._action = self.next_action(after, allowed, step)
        self._state, self._allowed = after, allowed
        return self._metrics(error) if self.env_step >= self._due else None

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        return self._chosen(observation, deterministic)[0], None

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        action, worth = self._chosen(observation, deterministic)
        return action, None, ActionInfo(action_value=worth, value=worth.max(-1))

    def _chosen(self, observation: Observation, deterministic: bool) -> tuple[Int[np.ndarray, "batch"], Worth]:
        """Return an action for each row, and the values of all actions."""
        worth = self.worth(*self.states.read(observation))
        return (greedy(worth) if deterministic else self.explore(worth)) + self._first_action, worth

    def worth(self, state: Int[np.ndarray, "batch"], allowed: Allowed) -> Worth:
        """Return the values of the actions in each state, minus infinity where they are forbidden."""
        table = self.q[0] if self.tables == 1 else self.q.mean(0)
        return legal(table[state], allowed)

    def explore(self, worth: Worth) -> Int[np.ndarray, "batch"]:
        """Draw an action for each row."""
        if self.config.exploration == "softmax":
            return draw_softmax(worth, self.temperature, self.rng)
        return draw_epsilon_greedy(worth, self.epsilon, self.rng)

    def metrics(self) -> dict[str, float]:
        """Return what the greedy policy returns in expectation, and what it lacks, if all transitions are known."""
        table = self._known()
        if table is None:
            return {}
        if self._optimum is None:
            self._optimum = optimum(table)
        reached = policy_return(table, greedy(self.q.mean(0), table.allowed))
        return {"exact/return": reached, "exact/optimum": self._optimum, "exact/regret": self._optimum - reached}

    def draw(self, path: Path) -> bool:
        from .plots import draw_table

        table, env_factory = self._known(), self.env_factory
        core = env_factory.env_spec.single().unwrapped if env_factory is not None and env_factory.env_spec else None
        title = f"{self.name} on {env_factory.name if env_factory else 'its states'}, {self.env_step:,} env steps"
        allowed = None if table is None else table.allowed
        draw_table(path, core, self.q.mean(0), allowed, self.states.sizes, title)
        return True

    def describe(self) -> dict[str, str]:
        states, kib = self.states, (self.values.q.nbytes + self.values.visits.nbytes) / 1024
        several = f"{self.tables} of " if self.tables > 1 else ""
        return {
            "table": f"{several}{states.count:,} states × {self.num_actions} actions ({kib:,.1f} KiB)",
            "state": "the observation" if len(states.sizes) == 1 else " × ".join(map(str, states.sizes)),
            "masked": "yes, by the environment" if states.masked else "no",
        }

    def tensors(self) -> dict[str, np.ndarray]:
        return {"q": self.q, "visits": self.values.visits}

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.q[:] = tensors["q"]
        self.values.visits[:] = tensors["visits"]

    _optimum: float | None = None

    def _known(self) -> TransitionTable | None:
        """Return the environment's table, if its states are ours."""
        table = self.env_factory.table if self.env_factory is not None else None
        same = table is not None and table.allowed.shape == self.q.shape[1:]
        return table if same and not self._first_action else None

    def _credit(self, num_envs: int) -> Credit:
        config = self.config
        if isinstance(config, MultiStepConfig) and config.trace_decay:
            how = (config.gamma, config.trace_decay, config.trace_kind)
            return Traces(*how, num_envs, len(self.values.q))
        if isinstance(config, MultiStepConfig) and config.n_steps > 1:
            return Window(config.gamma, config.n_steps, num_envs)
        return OneStep(config.gamma)

    def _cut(self) -> tuple[Bool[np.ndarray, "env"] | None, Float[np.ndarray, "env"] | None]:
        """Return where the last action broke with the policy that is learned, and what it broke off."""
        return None, None

    def _set_rates(self) -> None:
        config, values = self.config, self.values
        fraction = self.progress / config.exploration_fraction
        self.epsilon = annealed(config.epsilon, config.final_epsilon, config.exploration_schedule, fraction)
        self.temperature = annealed(config.temperature, config.final_temperature, config.exploration_schedule, fraction)
        if config.learning_rate_schedule == "visits":
            values.learning_rate, values.power = config.learning_rate, config.visits_power
        else:
            how = config.learning_rate_schedule
            values.learning_rate = annealed(config.learning_rate, config.final_learning_rate, how, self.progress)

    def _metrics(self, error: Float[np.ndarray, "row"]) -> dict[str, float]:
        explored = self.temperature if self.config.exploration == "softmax" else self.epsilon
        metrics = {
            "table/td_error": float(np.abs(error).mean()) if len(error) else 0.0,
            "table/mean_value": float(self.q.mean()),
            f"exploration/{'temperature' if self.config.exploration == 'softmax' else 'epsilon'}": explored,
        }
        if self.config.learning_rate_schedule != "visits":
            metrics["table/learning_rate"] = self.values.learning_rate
        self._due = self.env_step + METRICS_EVERY
        return metrics
