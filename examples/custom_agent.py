"""Write an agent of your own: the cross-entropy method for linear policies (Rubinstein, 1999)."""

from dataclasses import dataclass

import numpy as np
import tyro

from sandlot import Agent, evaluate


class CEM(Agent):
    @dataclass(frozen=True, kw_only=True)
    class Config:
        num_envs: int = 16  # policies in a generation, each in its own environment
        elite: int = 4

    def _build(self):
        self.mean, self.std = np.zeros((self.spaces.observation.shape[0], self.spaces.action.n)), np.array(1.0)

    def prepare(self, steps): ...

    def reset(self, observation, seed):
        self.rng, self.observation = np.random.default_rng(seed), observation
        self.draw_policies(fresh=np.ones(len(observation), bool))

    def draw_policies(self, fresh):
        self.policies = self.rng.normal(self.mean, self.std, (len(fresh), *self.mean.shape))
        self.returns, self.so_far = np.full(len(fresh), np.nan), np.where(fresh, 0.0, np.nan)  # NaN: not yet begun

    def exploration_action(self):
        return np.einsum("ei,eia->ea", self.observation, self.policies).argmax(1)

    def observe(self, step):
        self.observation, self.so_far = step.observation, self.so_far + step.reward
        self.returns = np.where((step.terminated | step.truncated) & np.isnan(self.returns), self.so_far, self.returns)
        self.so_far[step.episode_start] = 0.0
        if np.isnan(self.returns).any():
            return None
        elite, metrics = np.argsort(self.returns)[-self.config.elite :], {"generation/mean": self.returns.mean()}
        self.mean, self.std = self.policies[elite].mean(0), self.policies[elite].std(0) + 0.2
        self.draw_policies(fresh=step.episode_start)
        return metrics

    def select_action(self, observation, memory, episode_start, deterministic):
        return (observation @ self.mean).argmax(1), None

    def tensors(self):
        return {"mean": self.mean, "std": self.std}

    def load_tensors(self, tensors):
        self.mean, self.std = tensors["mean"], tensors["std"]


def main(steps: int = 100_000) -> None:
    agent = CEM("CartPole-v1", seed=1).learn(steps, progress=True)
    print(f"return {evaluate(agent, 'CartPole-v1', episodes=20).mean:.1f}")


if __name__ == "__main__":
    tyro.cli(main)
