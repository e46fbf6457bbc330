"""Games that are told otherwise than by PettingZoo's rules: agents left at the end, masks in infos, images, stacks."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv

from sandlot.agents import PPO
from sandlot.envs import EnvBatch, EnvSpec, Wrappers, make
from sandlot.envs.games.aec import AecGames
from sandlot.envs.games.opponent_env import OpponentEnv
from sandlot.envs.games.opponents import make_opponent
from sandlot.envs.games.parallel import ParallelGames, groups_of
from sandlot.tracking import SandlotError

SIZE = {"num_envs": 2, "num_steps": 16, "batch_size": 16, "epochs": 1}


class Game(ParallelEnv):
    """Five steps for two players, who see the time; allows one action of three, and tells so in infos, if asked to."""

    metadata = {"name": "game"}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012

    def __init__(self, masked: bool = False, keeps: bool = False):
        self.masked, self.keeps = masked, keeps

    def observation_space(self, agent):
        return spaces.Box(0, 9, (1,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return self._all(self._seen()), self._all(self._info())

    def step(self, actions):
        assert not self.masked or all(action == self.time % 3 for action in actions.values())
        agents, self.time = self.agents, self.time + 1
        over = self.time >= 5
        if over and not self.keeps:
            self.agents = []
        told = self._info() if self.keeps or not over else {}
        return ({agent: self._seen() for agent in agents}, dict.fromkeys(agents, 1.0), dict.fromkeys(agents, over),
                dict.fromkeys(agents, False), dict.fromkeys(agents, told))  # fmt: skip

    def _all(self, thing):
        return dict.fromkeys(self.possible_agents, thing)

    def _seen(self):
        return np.array([self.time], np.float32)

    def _info(self):
        return {"action_mask": np.eye(3, dtype=np.int8)[self.time % 3]} if self.masked else {}


def batch_of(count=2, wrappers=None, **kwargs):
    games = [Game(**kwargs) for _ in range(count)]
    how = {} if wrappers is None else {"wrappers": wrappers}
    return EnvBatch(ParallelGames(games, groups_of(games[0], False, "game"), **how), "game", "pettingzoo")


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_games_end_and_masks_in_infos_are_obeyed(masked, keeps):
    agent = PPO(batch_of(masked=masked, keeps=keeps), **SIZE).learn(128)
    assert agent.env_step < 200
    batch = batch_of(masked=masked, keeps=keeps)
    batch.reset(0)
    for time in range(4):
        assert batch.step(np.full(4, time % 3)).episodes is None
    assert batch.step(np.full(4, 1)).episodes.returns.tolist() == [5.0] * 4


def test_players_see_the_last_frames_of_their_own_game():
    batch = batch_of(wrappers=Wrappers(frame_stack=3))
    assert batch.observation_space.shape == (3, 1)
    assert batch.reset(0)[0].ravel().tolist() == [0, 0, 0]
    seen = [batch.step(np.zeros(4, int)) for _ in range(6)]
    assert [step.next_observation[1].ravel().tolist() for step in seen[:4]] == [
        [0, 0, 1],
        [0, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
    ]
    assert seen[4].next_observation[2].ravel().tolist() == [3, 4, 5]
    assert seen[4].observation[2].ravel().tolist() == [0, 0, 0]
    assert seen[5].observation[3].ravel().tolist() == [0, 0, 1]


class Turns(AECEnv):
    """Two players in turns, for six moves in all; each sees the number of moves, and infos tell the only legal one."""

    metadata = {"name": "turns"}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012

    def observation_space(self, agent):
        return spaces.Box(0, 9, (1,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def reset(self, seed=None, options=None):
        self.agents, self.moves, self.agent_selection = ["a", "b"], 0, "a"
        self.rewards = self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self._tell()

    def observe(self, agent):
        return np.array([self.moves], np.float32)

    def step(self, action):
        assert action == self.moves % 3
        self.moves += 1
        self.agent_selection = "ab"[self.moves % 2]
        self.terminations = dict.fromkeys(self.agents, self.moves >= 6)
        self._tell()

    def _tell(self):
        told = {"action_mask": np.eye(3, dtype=np.int8)[self.moves % 3]}
        self.infos = {agent: told if agent == self.agent_selection else {} for agent in self.agents}


@pytest.mark.parametrize("size", [1, 3])
def test_turns_are_masked_by_infos_and_stacked_by_player(size):
    games = AecGames([Turns(), Turns()], "turns", Wrappers(frame_stack=size))
    rows = OpponentEnv(games, make_opponent("random", "turns", games.action_space))
    batch = EnvBatch(rows, "turns", "pettingzoo")
    seen = batch.reset(0)
    assert seen["action_mask"].tolist() == [[1, 0, 0], [0, 1, 0]]
    if size == 3:
        assert seen["observation"][1].ravel().tolist() == [1, 1, 1]
        step = batch.step(np.array([0, 1]))
        assert step.observation["observation"][1].ravel().tolist() == [1, 1, 3]
    PPO(EnvBatch(rows, "turns", "pettingzoo"), **SIZE).learn(64)


def test_images_of_games_are_resized_made_grey_and_stacked():
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    wrappers = Wrappers(grey=True, resize=40, frame_stack=4)
    batch = make("pettingzoo/cooperative_pong_v6", 1, wrappers=wrappers)
    assert batch.observation_space == spaces.Box(0, 255, (4, 40, 40), np.uint8)
    batch.close()
    with pytest.raises(SandlotError, match="needs images"):
        EnvSpec("pettingzoo/tictactoe_v3", wrappers=wrappers).batch(1)
    with pytest.raises(SandlotError, match="takes no wrappers other than grey, resize, frame_stack"):
        EnvSpec("pettingzoo/tictactoe_v3", wrappers=Wrappers(sticky_actions=0.5)).batch(1)
