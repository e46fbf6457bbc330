"""The table of action values, and the step size of its updates."""

import numpy as np
from jaxtyping import Float, Int


class QTable:
    """Action values Q(S, A), in one table or several (double Q-learning has two).

    The step size α is `learning_rate`; with `count_visits`, α of an entry at its nth visit is
    `learning_rate` · n^-`visits_power`.

    Example:
        >>> table = QTable(1, 16, 4)
        >>> table.learning_rate = 0.1
        >>> td_error = table.update(table.entry(np.array([3]), np.array([0])), target=np.array([1.0]))

    Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), section 2.5.
    """

    def __init__(
        self,
        num_tables: int,
        num_states: int,
        num_actions: int,
        *,
        initial_value: float = 0.0,
        count_visits: bool = False,
    ):
        self.q = np.full((num_tables, num_states, num_actions), initial_value)
        self.flat = self.q.reshape(-1)
        """The same values in one dimension; `entry` returns indices into it."""
        self.visits = np.zeros(self.q.size if count_visits else 0, np.int64)
        """How often each entry was updated; empty unless visits are counted."""
        self.learning_rate, self.visits_power = 0.0, 0.0
        self._num_states, self._num_actions = num_states, num_actions
        self._occurrences = np.zeros(self.q.size, np.int64)

    def entry(
        self, state: Int[np.ndarray, "row"], action: Int[np.ndarray, "row"], table: Int[np.ndarray, "row"] | int = 0
    ) -> Int[np.ndarray, "row"]:
        """Return the flat index of Q(S, A) in the given table."""
        return (table * self._num_states + state) * self._num_actions + action

    def update(self, entry: Int[np.ndarray, "row"], target: Float[np.ndarray, "row"]) -> Float[np.ndarray, "row"]:
        """Update Q(S, A) ← Q(S, A) + α [target − Q(S, A)] at `entry`, and return the TD errors in brackets.

        An entry that occurs k times moves as far as k updates one after the other would move it, averaged over
        their orders. So many environments in one state take no longer a step together than one environment that
        visits the state often.
        """
        td_error = target - self.flat[entry]
        np.add.at(self._occurrences, entry, 1)
        occurrences = self._occurrences[entry]
        self._occurrences[entry] = 0
        np.add.at(self.flat, entry, self._step_size(entry, occurrences) * td_error)
        if self.visits.size:
            np.add.at(self.visits, entry, 1)
        return td_error

    def learning_rate_at(self, visits: Int[np.ndarray, "*entries"]) -> Float[np.ndarray, "*entries"]:
        """Return α at the given visit count."""
        return self.learning_rate * np.maximum(visits, 1) ** -self.visits_power

    def _step_size(
        self, entry: Int[np.ndarray, "row"], occurrences: Int[np.ndarray, "row"]
    ) -> Float[np.ndarray, "row"] | float:
        """Return α for each row, shared among the rows that update the same entry."""
        most = occurrences.max(initial=0)
        if not self.visits.size:
            alpha = self.learning_rate
            return alpha if most <= 1 else (1 - (1 - alpha) ** occurrences) / occurrences
        visits, remaining = self.visits[entry], np.ones(len(entry))
        for k in range(1, most + 1):
            remaining *= np.where(k <= occurrences, 1 - self.learning_rate_at(visits + k), 1.0)
        return (1 - remaining) / occurrences
