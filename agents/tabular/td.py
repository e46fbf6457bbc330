"""How far back a reward is felt: one step, n steps, or along an eligibility trace.

Source: Sutton & Barto, "Reinforcement learning: an introduction", 2nd edition, 2018 (S&B), chapters 6, 7 and 12.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

TraceKind = Literal["accumulating", "replacing"]


class Transitions(NamedTuple):
    """One step of every environment, as a table sees it."""

    cell: Int[np.ndarray, "env"]
    """Where the state and action stand in the flat table."""
    reward: Float[np.ndarray, "env"]
    value: Float[np.ndarray, "env"]
    """Worth of the state it led to: 0 where the episode terminated."""
    valid: Bool[np.ndarray, "env"]
    ended: Bool[np.ndarray, "env"]
    cut: Bool[np.ndarray, "env"] | None
    """Where the action was one that the policy being learned would not take, so that earlier actions
    are not to be judged by what followed it; None for nowhere."""
    value_before: Float[np.ndarray, "env"] | None
    """Worth of the state it came from, if there is a `cut`."""


class Values:
    """A flat table of action values and the size of its steps."""

    def __init__(self, cells: int, initial: float, counted: bool):
        self.q = np.full(cells, initial)
        self.visits = np.zeros(cells if counted else 0, np.int64)
        """Times that each cell was moved, if that rules the learning rate."""
        self.learning_rate, self.power = 0.0, 0.0
        self._hits = np.zeros(cells, np.int64)

    def move(self, cell: Int[np.ndarray, "row"], target: Float[np.ndarray, "row"]) -> Float[np.ndarray, "row"]:
        """Move the values at `cell` towards `target` (S&B's equation 2.5), and return how far off they were.

        A cell that is there k times moves as it would in k moves one after another, averaged over their orders;
        so many environments in one state make no longer a step than one environment that comes there often.
        """
        error = target - self.q[cell]
        np.add.at(self._hits, cell, 1)
        hits = self._hits[cell]
        self._hits[cell] = 0
        np.add.at(self.q, cell, self._share(cell, hits) * error)
        if self.visits.size:
            np.add.at(self.visits, cell, 1)
        return error

    def rate(self, visits: Int[np.ndarray, "*cells"]) -> Float[np.ndarray, "*cells"]:
        """Return the learning rate of cells at their so-manieth visit."""
        return self.learning_rate * np.maximum(visits, 1) ** -self.power

    def _share(self, cell: Int[np.ndarray, "row"], hits: Int[np.ndarray, "row"]) -> Float[np.ndarray, "row"] | float:
        most = hits.max(initial=0)
        if not self.visits.size:
            return self.learning_rate if most <= 1 else (1 - (1 - self.learning_rate) ** hits) / hits
        visits, keep = self.visits[cell], np.ones(len(cell))
        for hit in range(1, most + 1):
            keep *= np.where(hit <= hits, 1 - self.rate(visits + hit), 1.0)
        return (1 - keep) / hits


class OneStep:
    """Judge an action by its reward and the worth of the next state (S&B, chapter 6)."""

    def __init__(self, gamma: float):
        self.gamma = gamma

    def learn(self, values: Values, step: Transitions) -> Float[np.ndarray, "row"]:
        target = step.reward + self.gamma * step.value
        if step.valid.all():
            return values.move(step.cell, target)
        return values.move(step.cell[step.valid], target[step.valid])


class Window:
    """Judge an action by its next n rewards and the worth of the state after them (S&B's equation 7.4).

    At an episode's end, or where a `cut` comes first, by what there was up to then (with cuts at actions that
    aren't greedy, that is the tree backup of the greedy policy, S&B's equation 7.16).
    """

    def __init__(self, gamma: float, n: int, num_envs: int):
        self.gamma, self._now = gamma, 0
        self._cell = np.zeros((n, num_envs), np.int64)
        self._return, self._discount = np.zeros((n, num_envs)), np.zeros((n, num_envs))
        self._open = np.zeros((n, num_envs), bool)

    def learn(self, values: Values, step: Transitions) -> Float[np.ndarray, "row"]:
        if step.cut is not None and step.value_before is not None and step.cut.any():
            self._close(values, self._open & step.cut, step.value_before)
        now = self._now
        self._cell[now], self._open[now] = step.cell, step.valid
        self._return[now], self._discount[now] = 0.0, 1.0
        self._return += self._discount * step.reward
        self._discount *= self.gamma
        self._now = oldest = (now + 1) % len(self._cell)
        done = self._open & step.ended
        done[oldest] = self._open[oldest]
        return self._close(values, done, step.value)

    def _close(
        self, values: Values, done: Bool[np.ndarray, "n env"], value: Float[np.ndarray, "env"]
    ) -> Float[np.ndarray, "row"]:
        self._open &= ~done
        return values.move(self._cell[done], (self._return + self._discount * value)[done])


class Traces:
    """Judge all earlier actions of the episode by each error, the later the more (S&B, section 12.7).

    `replacing` traces are 1 after a visit, `accumulating` ones grow by 1.
    """

    def __init__(self, gamma: float, trace_decay: float, kind: TraceKind, num_envs: int, cells: int):
        self.gamma, self.fall, self.kind = gamma, gamma * trace_decay, kind
        self._trace = np.zeros((num_envs, cells))
        self._rows = np.arange(num_envs)

    def learn(self, values: Values, step: Transitions) -> Float[np.ndarray, "row"]:
        trace = self._trace
        error = np.where(step.valid, step.reward + self.gamma * step.value - values.q[step.cell], 0.0)
        trace *= self.fall
        if step.cut is not None:
            trace[step.cut] = 0.0
        visited = trace[self._rows, step.cell] if self.kind == "accumulating" else 0.0
        trace[self._rows, step.cell] = visited + step.valid
        values.q += self._share(values, step) * (error @ trace)
        trace[step.ended] = 0.0
        return error[step.valid]

    def _share(self, values: Values, step: Transitions) -> Float[np.ndarray, "cell"] | float:
        """Return the step size, which is shorter where several environments have a trace: see `Values.move`."""
        rate: Any = values.learning_rate
        if values.visits.size:
            np.add.at(values.visits, step.cell[step.valid], 1)
            rate = values.rate(values.visits)
        if len(self._trace) == 1:
            return rate
        several = self._trace.sum(0) / np.maximum(self._trace.max(0), 1e-300)
        several = np.maximum(several, 1.0)
        return (1 - (1 - rate) ** several) / several


Credit = OneStep | Window | Traces
"""A way to move values by what a step has shown: `learn` does, and returns the errors they had."""
