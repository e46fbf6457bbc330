"""The cross-entropy method: play with random policies, keep the best, draw new ones around them."""

from dataclasses import dataclass

import numpy as np

from sandlot.agents import Agent


@dataclass(frozen=True, kw_only=True)
class CrossEntropyMethodConfig:
    """Hyperparameters of the cross-entropy method."""

    num_envs: int = 16
    """Policies in a generation; each plays an episode in its own environment."""
    elite: int = 4
    """Best policies, around which the next generation is drawn."""
    noise: float = 0.1
    """Added to the standard deviation of the elite."""


class CrossEntropyMethod(Agent):
    """The cross-entropy method for linear policies (Rubinstein, 1999)."""

    Config = CrossEntropyMethodConfig

    def _build(self):
        shape = (int(np.prod(self.spaces.observation.shape)) + 1, int(self.spaces.action.n))
        self.mean, self.std = np.zeros(shape), np.ones(shape)

    def prepare(self, steps):
        pass

    def reset(self, observation, seed):
        self.rng, self.observation = np.random.default_rng(seed), observation
        self._draw_policies(playing=np.ones(self.config.num_envs, bool))

    def _draw_policies(self, playing):
        self.policies = self.rng.normal(self.mean, self.std, (self.config.num_envs, *self.mean.shape))
        self.returns, self.played, self.playing = np.zeros(len(playing)), np.zeros(len(playing), bool), playing

    def exploration_action(self):
        return np.einsum("ei,eia->ea", with_bias(self.observation), self.policies).argmax(1)

    def observe(self, step):
        self.observation, over = step.observation, step.terminated | step.truncated
        self.returns += step.reward * self.playing
        self.played |= self.playing & over
        self.playing = (self.playing & ~over) | (step.episode_start & ~self.played)
        if not self.played.all():
            return None
        elite = self.policies[np.argsort(self.returns)[-self.config.elite :]]
        self.mean, self.std = elite.mean(0), elite.std(0) + self.config.noise
        metrics = {"generation/mean": self.returns.mean(), "generation/best": self.returns.max()}
        self._draw_policies(playing=step.episode_start)
        return metrics

    def select_action(self, observation, memory, episode_start, deterministic):
        return (with_bias(observation) @ self.mean).argmax(1), None

    def tensors(self):
        return {"mean": self.mean, "std": self.std}

    def load_tensors(self, tensors):
        self.mean, self.std = tensors["mean"], tensors["std"]


def with_bias(observation):
    return np.concatenate([observation, np.ones((len(observation), 1))], axis=1)
