"""Learn tic-tac-toe by playing against past selves, then play against random and scripted opponents."""

import dataclasses

import tyro

from sandlot import PPO, evaluate
from sandlot.agents.multi_agent import agent_for, resolve_opponent
from sandlot.envs import EnvSpec

GAME = EnvSpec("pettingzoo/tictactoe_v3")


def main(steps: int = 1_000_000, games: int = 200) -> None:
    agent = agent_for(PPO, GAME, seed=1)
    for when in ("before", "after"):
        if when == "after":
            agent.learn(steps, progress=True)
        for opponent in ("random", "scripted"):  # the scripted one wins and blocks where it can
            env = resolve_opponent(dataclasses.replace(GAME, opponent=opponent))
            returns = evaluate(agent, env, episodes=games).returns
            wins, draws, losses = ((returns == value).mean() for value in (1, 0, -1))
            print(f"{when:6} against {opponent:8}  wins {wins:4.0%}  draws {draws:4.0%}  losses {losses:4.0%}")


if __name__ == "__main__":
    tyro.cli(main)
