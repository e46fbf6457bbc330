"""Give an agent a network of your own, and see that it remembers: CartPole without velocities.

The network sees the last few observations and nothing else; PPO's own MLP sees only the last one.
"""

import torch
import tyro
from torch import nn

from sandlot import PPO, evaluate
from sandlot.supervised.networks import Encoder


class LastFew(Encoder):
    """An MLP on the last three observations of the episode."""

    def __init__(self, input_size: int, count: int = 3, width: int = 64):
        super().__init__()
        self.count, self.input_size, self.feature_size = count, input_size, width
        self.layers = nn.Sequential(nn.Linear(count * input_size, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())

    def initial_memory(self, batch: int):
        return torch.zeros(batch, self.count - 1, self.input_size, device=self.layers[0].weight.device)

    def forward(self, inputs, memory, episode_start):
        stacks = []
        for row, start in zip(inputs, episode_start, strict=True):
            first = row[:, None].expand_as(memory)  # where an episode starts, there is nothing before
            memory = torch.where(start[:, None, None], first, memory)
            stack = torch.cat([memory, row[:, None]], 1)
            stacks.append(stack.flatten(1))
            memory = stack[:, 1:]
        return self.layers(torch.stack(stacks)), memory


def main(steps: int = 40_000) -> None:
    for name, network in (("mlp", "mlp"), ("last three", LastFew)):
        agent = PPO("sandlot/CartPoleHidden-v1", seed=1, network=network)
        agent.learn(steps, progress=True)
        print(f"{name:11} {evaluate(agent, 'sandlot/CartPoleHidden-v1', episodes=20).mean:.1f}")


if __name__ == "__main__":
    tyro.cli(main)
