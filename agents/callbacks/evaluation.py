"""A callback that evaluates the agent while it learns."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from sandlot.agents.evaluation import Env, Evaluation, Progress, evaluate, evaluation_batch
from sandlot.agents.multi_agent import env_spec_of
from sandlot.envs import EnvBatch, EnvSpec
from sandlot.tracking import TABLES, SandlotError, checkpoint_name, require, write_table
from sandlot.tracking.common.seeds import kept_random_state

from .base import Callback

if TYPE_CHECKING:
    from sandlot.agents.base import Agent
    from sandlot.agents.training import Training


class EvaluationCallback(Callback):
    """Play episodes with the agent as it is, now and then and at the end, and log their returns.

    A copy of the agent plays, so learning goes on as if there had been no evaluation.

    Args:
        env: Where to play, as for `evaluate`; by default the agent's own environment.
        every: Env steps between evaluations; 0 for one at the end alone.
        episodes: Episodes of each evaluation.
        seed: Seed of the environments.
        deterministic: Whether to take the likeliest actions.
        stop_at_return: Stop the training once an evaluation reaches this mean return.
        best_folder: Where to save the agent whenever its mean return is the best so far.
        seconds: The longest that an evaluation may take; the episodes that are over then count.
        progress: Called after each episode with the number of finished episodes and their mean return.

    Example:
        evaluation = EvaluationCallback(every=5_000, stop_at_return=475)
        PPO("CartPole-v1").learn(100_000, callback=evaluation)
        print(evaluation.latest.mean)
    """

    def __init__(
        self,
        env: Env | None = None,
        *,
        every: int = 10_000,
        episodes: int = 20,
        seed: int = 10_000,
        deterministic: bool = True,
        stop_at_return: float | None = None,
        best_folder: str | Path | None = None,
        seconds: float = math.inf,
        progress: Progress | None = None,
    ):
        require(every >= 0, "every must be at least 0", every)
        require(episodes >= 1, "episodes must be at least 1", episodes)
        self.env, self.every, self.episodes, self.seed, self.deterministic = env, every, episodes, seed, deterministic
        self.seconds, self.progress = seconds, progress
        self.stop_at_return, self.best_folder = stop_at_return, best_folder
        self.history: list[tuple[int, Evaluation]] = []
        """Each evaluation, with its env step."""
        self._due = every
        self._batch: EnvBatch | None = None

    @property
    def latest(self) -> Evaluation | None:
        """The latest evaluation."""
        return self.history[-1][1] if self.history else None

    @property
    def best(self) -> Evaluation | None:
        """The evaluation with the highest mean return."""
        return max((found for _, found in self.history), key=lambda found: found.mean, default=None)

    def on_training_start(self, training: "Training") -> None:
        factory = training.agent.env_factory
        if self.env is None and factory is not None and factory.env_spec is not None:
            self.env = env_spec_of(factory.env_spec.to_json())
        if self.env is None:
            raise SandlotError("an agent that was given an environment object needs another for its evaluations; "
                               "say which: EvaluationCallback(env)")  # fmt: skip

    def on_update(self, training: "Training", metrics: object) -> None:
        if self.every and training.env_step >= self._due:
            self._due = (training.env_step // self.every + 1) * self.every
            with kept_random_state():
                self._evaluate(training, training.agent.acting_copy())

    def on_training_end(self, training: "Training") -> None:
        try:
            done = self.history and self.history[-1][0] == training.env_step
            if training.outcome in ("finished", "stopped") and not done:
                with kept_random_state():
                    self._evaluate(training, training.agent)
                self._log_episodes(training)
        finally:
            if self._batch is not None:
                self._batch.close()
                self._batch = None

    def _log_episodes(self, training: "Training") -> None:
        """Log a table of the episodes of the last evaluation."""
        if training.run is not None and self.latest is not None:
            path = training.run.folder / TABLES / f"evaluation-{checkpoint_name(training.env_step)}.json"
            returns, lengths = self.latest.returns.tolist(), self.latest.lengths.tolist()
            rows = [[index, *each] for index, each in enumerate(zip(returns, lengths, strict=True))]
            write_table(path, ["episode", "return", "length"], rows)
            training.run.log_media("evaluation/episodes", path, training.env_step)

    def _evaluate(self, training: "Training", agent: "Agent") -> None:
        if self._batch is None and isinstance(self.env, str | EnvSpec):
            self._batch = evaluation_batch(self.env, self.episodes)
        where = self._batch or self.env
        assert where is not None
        found = evaluate(
            agent,
            where,
            episodes=self.episodes,
            seed=self.seed,
            deterministic=self.deterministic,
            seconds=self.seconds,
            progress=self.progress,
        )
        if self.best_folder is not None and (self.best is None or found.mean > self.best.mean):
            training.agent.save(self.best_folder)
        self.history.append((training.env_step, found))
        low, high = found.interval()
        row = {"return": found.mean, "return_low": low, "return_high": high, "length": float(found.lengths.mean())}
        if found.success_rate is not None:
            row["success_rate"] = found.success_rate
        training.log({f"evaluation/{name}": value for name, value in row.items()})
        if self.stop_at_return is not None and found.mean >= self.stop_at_return:
            training.stop(f"an evaluation has reached a mean return of {found.mean:g}")
