"""Write a callback: print what happens, and stop once the latest episodes reach a return.

`sandlot.agents.callbacks.StopAtReturn` does the second already; this shows how one is made.
"""

import tyro

from sandlot import A2C
from sandlot.agents.callbacks import Callback


class ReportAndStop(Callback):
    """Print each tenth row of metrics, and stop at a mean return of the latest 20 episodes."""

    def __init__(self, value: float):
        self.value, self.rows = value, 0

    def on_log(self, training, row):
        self.rows += 1
        if self.rows % 10 == 0 and training.latest_return is not None:
            print(f"{training.env_step:8,} env steps  return {training.latest_return:6.1f}")

    def on_update(self, training, metrics):
        latest = list(training.recent_returns)[-20:]
        if len(latest) == 20 and sum(latest) / 20 >= self.value:
            training.stop(f"the latest 20 episodes have a mean return of {self.value:g}")

    def on_training_end(self, training):
        print(f"{training.outcome} after {training.env_step:,} env steps: {training.stop_reason or 'all steps done'}")


def main(steps: int = 200_000, value: float = 400) -> None:
    A2C("CartPole-v1", seed=1).learn(steps, callback=ReportAndStop(value))


if __name__ == "__main__":
    tyro.cli(main)
