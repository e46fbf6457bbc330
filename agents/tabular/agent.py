"""What tabular agents have in common: the table, exploration, and how they are saved, plotted and described."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool, Float, Int

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.agents.spaces.env_actions import DiscreteActions
from sandlot.envs import Observation, Step, TransitionTable, tree_leaves
from sandlot.tracking import SandlotError

from .config import TabularConfig
from .exploration import ActionMask, QValues, annealed, mask_q_values
from .planning import greedy, optimal_return, policy_return
from .q_table import QTable
from .state_index import StateIndex

METRICS_EVERY = 1_000
"""Env steps between rows of metrics."""
MAX_ENTRIES = 100_000_000


class TabularAgent(Agent):
    """Act by a table of action values.

    A subclass writes `observe`: it updates `table` from (`current_state`, `current_action`, reward, next state)
    through `td`, and chooses the next `current_action`; see `q_learning.py`.
    """

    num_tables: ClassVar[int] = 1
    config: TabularConfig

    def _build(self) -> None:
        config, action = self.config, self.spaces.action
        self.state_index = StateIndex(self.spaces.observation, self.name)
        if not isinstance(action, spaces.Discrete):
            raise SandlotError(f"{self.name} can't act in the space {action}; it acts in Discrete")
        self._actions = DiscreteActions.of(action)
        self.num_actions, self._first_action = self._actions.n, self._actions.first
        num_entries = self.num_tables * self.state_index.num_states * self.num_actions
        if num_entries > MAX_ENTRIES:
            raise SandlotError(
                f"{self.name} would need a table of {num_entries:,} values for {self.spaces.observation}"
            )
        self.table = QTable(
            self.num_tables,
            self.state_index.num_states,
            self.num_actions,
            initial_value=config.initial_value,
            count_visits=config.learning_rate_schedule == "visits",
        )
        self.table.learning_rate, self.table.visits_power = config.learning_rate, config.visits_power
        self.exploration = config.make_exploration()
        self.rng = np.random.default_rng(self.seed)
        self._optimum: float | None = None

    @property
    def q(self) -> Float[np.ndarray, "table state action"]:
        """The action values."""
        return self.table.q

    def prepare(self, steps: int) -> None:
        self.progress = min(self.env_step / steps, 1.0)

    def reset(self, observation: Observation, seed: int) -> None:
        num_envs = len(next(tree_leaves(observation)))
        self.rng = np.random.default_rng(seed)
        self.td = self.config.make_td_update(num_envs, self.table.q.size)
        self.anneal()
        self.current_state, self.current_mask = self.state_index.encode(observation)
        self.current_action = self.explore(self.q_values(self.current_state, self.current_mask))
        self._next_metrics = self.env_step + METRICS_EVERY

    def exploration_action(self) -> np.ndarray:
        return self._actions.to_env(self.current_action)

    def anneal(self) -> None:
        """Set α and ε (or the temperature) to what their schedules say for the progress of the run."""
        config = self.config
        self.exploration.anneal(self.progress)
        if config.learning_rate_schedule != "visits":
            schedule = config.learning_rate_schedule
            self.table.learning_rate = annealed(
                config.learning_rate, config.final_learning_rate, schedule, self.progress
            )

    def q_values(self, state: Int[np.ndarray, "batch"], action_mask: ActionMask) -> QValues:
        """Return Q(S, a) of every action, minus infinity where it is forbidden; of two tables, the mean."""
        table = self.table.q[0] if self.num_tables == 1 else self.table.q.mean(0)
        return mask_q_values(table[state], action_mask)

    def explore(self, q_values: QValues) -> Int[np.ndarray, "batch"]:
        """Return an action for each row, from the exploration policy."""
        return self.exploration.sample(q_values, self.rng)

    def choose_next_action(self, step: Step, next_state: Int[np.ndarray, "env"], next_mask: ActionMask) -> None:
        """Go on to S' (or, where an episode ended, to the first state of the next one), and choose an action there."""
        if step.observation is not step.next_observation:
            next_state, next_mask = self.state_index.encode(step.observation)
        self.current_action = self.explore(self.q_values(next_state, next_mask))
        self.current_state, self.current_mask = next_state, next_mask

    def metrics_if_due(self, td_error: Float[np.ndarray, "row"]) -> dict[str, float] | None:
        """Return the metrics of training, every METRICS_EVERY env steps."""
        if self.env_step < self._next_metrics:
            return None
        self._next_metrics = self.env_step + METRICS_EVERY
        metrics = {
            "train/td_error": float(np.abs(td_error).mean()) if len(td_error) else 0.0,
            "train/mean_value": float(self.table.q.mean()),
            f"train/{self.exploration.coefficient}": self.exploration.value,
        }
        if self.config.learning_rate_schedule != "visits":
            metrics["train/learning_rate"] = self.table.learning_rate
        return metrics

    @contextmanager
    def masked(self, action_masks: Bool[np.ndarray, "batch choice"]) -> Iterator[None]:
        self.state_index.given_mask = action_masks
        try:
            yield
        finally:
            self.state_index.given_mask = None

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        return self._select(observation, deterministic)[0], None

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        action, q_values = self._select(observation, deterministic)
        return action, None, ActionInfo(action_value=q_values, value=q_values.max(-1))

    def _select(self, observation: Observation, deterministic: bool) -> tuple[Int[np.ndarray, "batch"], QValues]:
        """Return an action for each row, and the values of all actions."""
        q_values = self.q_values(*self.state_index.encode(observation))
        return self._actions.to_env(greedy(q_values) if deterministic else self.explore(q_values)), q_values

    def metrics(self) -> dict[str, float]:
        """Return the expected return of the greedy policy and its regret, if all transitions are known."""
        transitions = self._known_transitions()
        if transitions is None:
            return {}
        if self._optimum is None:
            self._optimum = optimal_return(transitions)
        expected = policy_return(transitions, greedy(self.table.q.mean(0), transitions.allowed))
        return {"exact/return": expected, "exact/optimum": self._optimum, "exact/regret": self._optimum - expected}

    def _known_transitions(self) -> TransitionTable | None:
        """Return the environment's transitions, if they are known and its states are numbered as in the table."""
        table = self.env_factory.table if self.env_factory is not None else None
        same = table is not None and table.allowed.shape == self.table.q.shape[1:]
        return table if same and not self._first_action else None

    def plot(self, path: Path) -> bool:
        from .plots import plot_table

        transitions, env_factory = self._known_transitions(), self.env_factory
        env = env_factory.env_spec.single().unwrapped if env_factory is not None and env_factory.env_spec else None
        title = f"{self.name} on {env_factory.name if env_factory else 'its states'}, {self.env_step:,} env steps"
        action_mask = None if transitions is None else transitions.allowed
        plot_table(path, env, self.table.q.mean(0), action_mask, self.state_index.sizes, title)
        return True

    def describe(self) -> dict[str, str]:
        index, kib = self.state_index, (self.table.q.nbytes + self.table.visits.nbytes) / 1024
        tables = f"{self.num_tables} × " if self.num_tables > 1 else ""
        return {
            "table": f"{tables}{index.num_states:,} states × {self.num_actions} actions ({kib:,.1f} KiB)",
            "state": "the observation" if len(index.sizes) == 1 else " × ".join(map(str, index.sizes)),
            "action mask": "yes, from the environment" if index.masked else "no",
        }

    def tensors(self) -> dict[str, np.ndarray]:
        return {"q": self.table.q, "visits": self.table.visits}

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.table.q[:] = tensors["q"]
        self.table.visits[:] = tensors["visits"]
