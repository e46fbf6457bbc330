"""Temporal-difference updates of a table: one-step, n-step, and with eligibility traces.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), chapters 6, 7 and 12.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .q_table import QTable

TraceKind = Literal["accumulating", "replacing"]


class TabularTransition(NamedTuple):
    """One step of every environment, as an update of the table sees it."""

    entry: Int[np.ndarray, "env"]
    """Flat index of Q(S, A) in the table."""
    reward: Float[np.ndarray, "env"]
    next_value: Float[np.ndarray, "env"]
    """Value of S' to bootstrap from; 0 where the episode terminated."""
    valid: Bool[np.ndarray, "env"]
    """False where the step only reset the environment."""
    done: Bool[np.ndarray, "env"]
    """Where the episode ended, by termination or truncation."""
    reset_trace: Bool[np.ndarray, "env"] | None = None
    """Where the target policy would not take A, so earlier actions learn nothing from what follows; None: nowhere."""
    value: Float[np.ndarray, "env"] | None = None
    """Value of S, from which earlier actions bootstrap where `reset_trace` is set."""


class TDUpdate(ABC):
    """A way to update a table from transitions, given in the order in which they happen."""

    multi_step: ClassVar[bool] = True
    """Whether a reward updates more than the action right before it."""

    @abstractmethod
    def update(self, table: QTable, transition: TabularTransition) -> Float[np.ndarray, "row"]:
        """Update `table` and return the TD errors of the entries that were due."""


class OneStep(TDUpdate):
    """Bootstrap from the next state: Q(S, A) ← Q(S, A) + α [R + γ V(S') − Q(S, A)] (S&B, chapter 6)."""

    multi_step = False

    def __init__(self, gamma: float):
        self.gamma = gamma

    def update(self, table: QTable, transition: TabularTransition) -> Float[np.ndarray, "row"]:
        target = transition.reward + self.gamma * transition.next_value
        if transition.valid.all():
            return table.update(transition.entry, target)
        return table.update(transition.entry[transition.valid], target[transition.valid])


class NStep(TDUpdate):
    """Bootstrap from the state n steps ahead: G = R₁ + γ R₂ + … + γⁿ⁻¹ Rₙ + γⁿ V(Sₙ) (S&B, equation 7.4).

    Returns are shorter at the end of an episode and where `reset_trace` is set. With resets at actions that are
    not greedy, this is tree backup for the greedy policy (S&B, equation 7.16).
    """

    def __init__(self, gamma: float, n: int, num_envs: int):
        self.gamma = gamma
        self._row = 0
        self._entry = np.zeros((n, num_envs), np.int64)
        self._return, self._discount = np.zeros((n, num_envs)), np.zeros((n, num_envs))
        self._pending = np.zeros((n, num_envs), bool)

    def update(self, table: QTable, transition: TabularTransition) -> Float[np.ndarray, "row"]:
        reset_trace = transition.reset_trace
        if reset_trace is not None and transition.value is not None and reset_trace.any():
            self._bootstrap(table, self._pending & reset_trace, transition.value)
        row = self._row
        self._entry[row], self._pending[row] = transition.entry, transition.valid
        self._return[row], self._discount[row] = 0.0, 1.0
        self._return += self._discount * transition.reward
        self._discount *= self.gamma
        self._row = oldest = (row + 1) % len(self._entry)
        due = self._pending & transition.done
        due[oldest] = self._pending[oldest]
        return self._bootstrap(table, due, transition.next_value)

    def _bootstrap(
        self, table: QTable, due: Bool[np.ndarray, "n env"], value: Float[np.ndarray, "env"]
    ) -> Float[np.ndarray, "row"]:
        """Complete the returns that are `due` with the `value` of the state reached, and update towards them."""
        self._pending &= ~due
        return table.update(self._entry[due], (self._return + self._discount * value)[due])


class EligibilityTraces(TDUpdate):
    """Update every entry in proportion to its trace: Q ← Q + α δ z, with z ← γ λ z at each step (S&B, section 12.7).

    A visit sets a `replacing` trace to 1, and adds 1 to an `accumulating` one.
    """

    def __init__(self, gamma: float, trace_decay: float, kind: TraceKind, num_envs: int, num_entries: int):
        self.gamma, self.decay, self.kind = gamma, gamma * trace_decay, kind
        self._trace = np.zeros((num_envs, num_entries))
        self._rows = np.arange(num_envs)

    def update(self, table: QTable, transition: TabularTransition) -> Float[np.ndarray, "row"]:
        trace, entry = self._trace, transition.entry
        target = transition.reward + self.gamma * transition.next_value
        td_error = np.where(transition.valid, target - table.flat[entry], 0.0)
        trace *= self.decay
        if transition.reset_trace is not None:
            trace[transition.reset_trace] = 0.0
        before = trace[self._rows, entry] if self.kind == "accumulating" else 0.0
        trace[self._rows, entry] = before + transition.valid
        table.flat += self._step_size(table, transition) * (td_error @ trace)
        trace[transition.done] = 0.0
        return td_error[transition.valid]

    def _step_size(self, table: QTable, transition: TabularTransition) -> Float[np.ndarray, "entry"] | float:
        """Return α for each entry, shared among the environments that have a trace there: see `QTable.update`."""
        alpha = table.learning_rate
        if table.visits.size:
            np.add.at(table.visits, transition.entry[transition.valid], 1)
            alpha = table.learning_rate_at(table.visits)
        if len(self._trace) == 1:
            return alpha
        sharing = self._trace.sum(0) / np.maximum(self._trace.max(0), 1e-300)
        sharing = np.maximum(sharing, 1.0)
        return (1 - (1 - alpha) ** sharing) / sharing
