"""Games of other packages, and of the user's own, by `module:name`."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo.utils.env import AECEnv, ParallelEnv

from sandlot.agents.multi_agent import is_cooperative
from sandlot.cli import main
from sandlot.envs import EnvSpec, Wrappers
from sandlot.envs.games import is_game
from sandlot.tracking import SandlotError
from tests.commands import in_a_folder_of_its_own  # noqa: F401 (a fixture)

BOX, CHOICE = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3)


class Together(ParallelEnv):
    """Pays each of two players 1 a step, for four steps."""

    metadata = {"render_modes": ["rgb_array"], "name": "together_v0"}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012

    def __init__(self, pay=1.0, render_mode=None):
        self.pay, self.render_mode = pay, render_mode

    def observation_space(self, agent):
        return BOX

    def action_space(self, agent):
        return CHOICE

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return {agent: np.zeros(2, np.float32) for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions):
        self.time += 1
        agents, over = self.agents, self.time == 4
        self.agents = [] if over else agents
        each = {agent: np.zeros(2, np.float32) for agent in agents}
        return each, dict.fromkeys(agents, self.pay), dict.fromkeys(agents, over), dict.fromkeys(agents, False), each

    def render(self):
        return np.full((8, 8, 3), 60 * self.time, np.uint8)


def parallel_env(**options):
    return Together(**options)


class Turns(AECEnv):
    """Two players in turn; each move pays both 1, or the mover alone."""

    metadata = {"name": "turns_v0"}  # noqa: RUF012

    def __init__(self, together=True):
        super().__init__()
        self.possible_agents, self.together = ["a", "b"], together

    def observation_space(self, agent):
        return BOX

    def action_space(self, agent):
        return CHOICE

    def reset(self, seed=None, options=None):
        self.agents, self.time, self.agent_selection = list(self.possible_agents), 0, "a"
        for name in ("rewards", "_cumulative_rewards"):
            setattr(self, name, dict.fromkeys(self.agents, 0.0))
        self.terminations, self.truncations = (dict.fromkeys(self.agents, False) for _ in range(2))
        self.infos = {agent: {} for agent in self.agents}

    def observe(self, agent):
        return np.zeros(2, np.float32)

    def step(self, action):
        self.time += 1
        mover = self.agent_selection
        self.rewards = {agent: float(self.together or agent == mover) for agent in self.agents}
        self.agent_selection = "b" if mover == "a" else "a"
        if self.time == 5:
            self.terminations = dict.fromkeys(self.agents, True)


HERE = "tests.envs.games.test_user_games"
QUICK = ["--steps", "64", "--num-envs", "2", "--num-steps", "8", "--batch-size", "16", "--hidden", "8",
         "--wandb", "disabled", "--video-every", "0", "--evaluation-episodes", "2"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "game"),
    [
        (f"{HERE}:Together", True),
        (f"{HERE}:parallel_env", True),
        (f"{HERE}:Turns", True),
        ("pettingzoo.classic:tictactoe_v3", True),
        ("mpe2:simple_spread_v3", True),
        ("tests.environments:Match", False),
        ("tests.nowhere:Match", False),
        ("CartPole-v1", False),
        (f"{HERE}:CHOICE", False),
    ],
)
def test_games_are_known_by_what_the_name_names(name, game):
    assert is_game(name) is game


@pytest.mark.parametrize("name", [f"{HERE}:Together", f"{HERE}:parallel_env"])
def test_all_at_once(name):
    batch = EnvSpec(name).batch(2)
    batch.reset(0)
    step = batch.step(np.zeros(4, int))
    assert len(step.reward) == 4
    batch.close()


def test_a_game_is_trained_evaluated_and_filmed(capsys):
    assert main(["train", "ppo", f"{HERE}:Together", *QUICK]) == 0
    assert main(["evaluate", "latest", "--episodes", "2"]) == 0
    assert "4.0000" in capsys.readouterr().out
    assert main(["record", "latest"]) == 0
    assert main(["resume", "latest", "--steps", "96"]) == 0


@pytest.mark.parametrize("together", [True, False])
def test_a_cooperative_game_has_a_score(together, capsys):
    kwargs = "{}" if together else '{"together": false}'
    assert is_cooperative(EnvSpec(f"{HERE}:Turns", {"together": together})) is together
    assert main(["train", "ppo", f"{HERE}:Turns", "--env-kwargs", kwargs, *QUICK]) == 0
    capsys.readouterr()
    assert main(["evaluate", "latest", "--episodes", "3"]) == 0
    printed = capsys.readouterr().out
    assert ("score" in printed and "5.0000" in printed and "with itself" in printed) is together
    assert ("won" in printed) is not together
    assert main(["evaluate", "latest", "--episodes", "3", "--opponent", "random"]) == 0
    assert "against" in capsys.readouterr().out


def test_supersuits_wrappers_are_applied_to_games():
    pytest.importorskip("supersuit", reason="SuperSuit is not installed")
    wrappers = Wrappers(wrapper=("supersuit:frame_stack_v1", '{"stack_size": 3}', "supersuit:dtype_v0",
                                 '{"dtype": "float32"}'))  # fmt: skip
    for env in (f"{HERE}:Together", f"{HERE}:Turns"):
        env_spec = EnvSpec(env, wrappers=wrappers)
        assert env_spec.batch(1).observation_space.shape == (6,)
        assert EnvSpec.from_json(env_spec.to_json()) == env_spec
    with pytest.raises(SandlotError, match="takes no wrappers other than"):
        EnvSpec(f"{HERE}:Together", wrappers=Wrappers(sticky_actions=0.5)).batch(1)
