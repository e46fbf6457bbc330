"""What third-party environments need: NumPy arrays, numbers for texts, one action, one reward. Names, wrappers, too."""

import itertools
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import DQN, PPO
from sandlot.agents.evaluation import evaluate
from sandlot.cli import main
from sandlot.envs import EnvSpec, Wrappers, make
from sandlot.envs.adapters import TEXT_WORDS, WORD_BITS, adapt
from sandlot.envs.names import PACKAGES, listing, suggestions
from sandlot.tracking import SandlotError
from tests.commands import in_a_folder_of_its_own  # noqa: F401 (a fixture)
from tests.environments import Endless

QUICK = {"hidden": (8,), "num_envs": 2, "num_steps": 8, "batch_size": 16, "epochs": 1}


class Shaped(Endless):
    """Takes any spaces, checks that actions are in theirs, and pays what it is told to."""

    metadata: Any = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, observation: Any = None, action: Any = None, reward: Any = 1.0, done: Any = None):
        super().__init__(horizon=6)
        self.observation_space = observation or spaces.Box(-1, 1, (1,))
        self.action_space = action or spaces.Discrete(2)
        self.reward, self.done, self.actions = reward, done, []

    def reset(self, *, seed=None, options=None):
        _, info = super().reset(seed=seed)
        return self.observation_space.sample(), info

    def step(self, action):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.actions.append(action)
        _, _, terminated, truncated, info = super().step(action)
        if self.done is not None:
            terminated, truncated = self.done(truncated), False
        return self.observation_space.sample(), self.reward, terminated, truncated, info


SHAPED = itertools.count()


def shaped(kind=Shaped, **kwargs):
    """Return a spec of its own id: options that are no JSON, such as spaces, belong to the registration."""
    wrappers, name = kwargs.pop("wrappers", None), f"tests/Shaped{next(SHAPED)}-v0"
    gymnasium.register(name, entry_point=kind, disable_env_checker=True, kwargs=kwargs)
    return EnvSpec(name, wrappers=wrappers)


def trains(env_spec, agent=PPO, **more):
    learner = agent(env_spec, **{**QUICK, **more})
    learner.learn(40)
    return evaluate(learner, env_spec, episodes=2)


class FakeArray:
    """An array of a library that forbids writing, as JAX does."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        found = np.asarray(self.values, dtype)
        found.flags.writeable = False
        return found

    def __float__(self):
        return float(self.values)

    def __bool__(self):
        return bool(self.values)


class Foreign(Endless):
    """Gives a foreign library's arrays, as Gymnasium's environments on JAX do."""

    metadata: Any = {"jax": True}  # noqa: RUF012

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        return FakeArray(observation), info

    def step(self, action):
        return *(FakeArray(part) for part in super().step(action)[:4]), {}


def test_arrays_of_other_libraries_become_numpys():
    gymnasium.register("tests/Foreign-v0", entry_point=Foreign, disable_env_checker=True)
    observation, _ = EnvSpec("tests/Foreign-v0").single().reset(seed=0)
    assert isinstance(observation, np.ndarray)
    assert trains(EnvSpec("tests/Foreign-v0")).mean == 8


class ForeignVector(gymnasium.vector.SyncVectorEnv):
    """A vector environment that gives a foreign library's arrays."""

    def reset(self, **options):
        observation, info = super().reset(**options)
        return FakeArray(observation), info

    def step(self, actions):
        return *(FakeArray(part) for part in super().step(actions)[:4]), {}


def test_vector_environments_of_other_libraries_work():
    batch = make(ForeignVector([Endless, Endless]))
    batch.reset(0)
    for _ in range(20):
        step = batch.step(np.zeros(2, int))
        step.observation[:] = 0
        assert step.reward.dtype.kind == "f"
    agent = PPO(ForeignVector([Endless] * 2), hidden=(8,), num_steps=8, batch_size=16)
    assert agent.learn(40).env_step >= 40


class Lacking(gymnasium.vector.SyncVectorEnv):
    """Does not say how its episodes restart."""

    def __init__(self, num_envs=1, **options):
        super().__init__([Endless] * num_envs)
        self.metadata = {}


def test_single_copies_stand_in_for_a_vector_environment_that_does_not_say_how_it_restarts():
    gymnasium.register("tests/Lacking-v0", entry_point=Endless, vector_entry_point=Lacking, disable_env_checker=True)
    assert EnvSpec("tests/Lacking-v0").batch(2).backend == "sync"


def test_nothing_is_forked_once_jax_is_loaded(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0)
    batch = EnvSpec("tests/Endless-v0").batch(2)
    assert batch.backend == "async"
    batch.close()
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace())
    assert EnvSpec("tests/Endless-v0").batch(2).backend == "sync"


class Hanging(Endless):
    """Never answers in a process of its own: while it is made, reset, or stepped."""

    def __init__(self, when="reset"):
        super().__init__(horizon=100)
        self.when, self.apart = when, gymnasium.vector.AsyncVectorEnv is not None
        self._hang("make")

    def reset(self, *, seed=None, options=None):
        self._hang("reset")
        return super().reset(seed=seed)

    def step(self, action):
        self._hang("step")
        return super().step(action)

    def _hang(self, when):
        import multiprocessing

        if when == self.when and multiprocessing.parent_process() is not None:
            time.sleep(100)


gymnasium.register("tests/Hanging-v0", entry_point=Hanging, disable_env_checker=True)


@pytest.mark.parametrize("when", ["make", "reset", "step"])
def test_processes_that_do_not_answer_are_told_with_what_to_try(when, monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0)
    monkeypatch.setattr("sandlot.envs.backends.vectorize.ANSWER_SECONDS", 0.5)

    def play():
        batch = EnvSpec("tests/Hanging-v0", {"when": when}).batch(2)
        try:
            batch.reset(0)
            batch.step(np.zeros(2, int))
        finally:
            batch.close()

    with pytest.raises(SandlotError, match=r"did not answer for a minute.*Try --num-envs 1"):
        play()


MISSION = spaces.Text(40, charset="abcdefghijklmnopqrstuvwxyz ")


@pytest.mark.parametrize(
    "observation", [MISSION, spaces.Dict(mission=MISSION, bit=spaces.Discrete(2)), spaces.Tuple((MISSION, MISSION))]
)
def test_texts_are_read(observation):
    assert trains(shaped(observation=observation)).mean == 6


def test_words_keep_their_codes_and_their_places():
    env = adapt(Shaped(MISSION), "shaped")
    one, same, turned = (env.observation(text) for text in ("go to the red door", "go to the red door", "go red"))
    np.testing.assert_array_equal(one, same)
    assert one.shape == (TEXT_WORDS * WORD_BITS,)
    codes = [vector.reshape(TEXT_WORDS, WORD_BITS) for vector in (one, turned)]
    np.testing.assert_array_equal(codes[0][3], codes[1][1])
    assert not codes[1][2:].any()


def test_spaces_that_no_network_reads_get_a_sentence():
    graph = spaces.Graph(spaces.Box(0, 1, (2,)), spaces.Discrete(2))
    with pytest.raises(SandlotError, match="observes Graph spaces, which no network here reads; a wrapper"):
        shaped(observation=spaces.Dict(graph=graph)).batch(2)


BOX, INTS = spaces.Box(-2, 3, (2,), np.float32), spaces.Box(1, 3, (2,), np.int32)
ACTIONS = {
    "tuple": (spaces.Tuple((spaces.Discrete(3), spaces.Discrete(2, start=5))), spaces.MultiDiscrete([3, 2])),
    "dict": (
        spaces.Dict(a=spaces.MultiDiscrete([2, 4]), b=spaces.MultiBinary(2)),
        spaces.MultiDiscrete([2, 4, 2, 2]),
    ),
    "boxes": (spaces.Dict(a=BOX, b=BOX), spaces.Box(-2, 3, (4,), np.float32)),
    "mixed": (
        spaces.Tuple((spaces.Dict(a=BOX), spaces.Discrete(3, start=1), INTS)),
        spaces.Box(np.array([-2, -2, *[-1] * 9], np.float32), np.array([3, 3, *[1] * 9], np.float32)),
    ),
    "one": (spaces.Tuple((spaces.Discrete(3),)), spaces.Discrete(3)),
    "integers": (INTS, spaces.MultiDiscrete([3, 3])),
    "integer": (spaces.Box(0, 3, (1,), np.int64), spaces.Discrete(4)),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_actions_of_several_parts_are_one_array(kind):
    space, flat = ACTIONS[kind]
    single = shaped(action=space).single()
    assert single.action_space == flat
    assert trains(shaped(action=space, reward=2.0)).mean == 12
    single.reset(seed=0)
    for _ in range(5):
        single.step(single.action_space.sample())
    seen = single.unwrapped.actions
    if kind == "tuple":
        assert {int(action[1]) for action in seen} <= {5, 6}


def test_dqn_takes_a_tuple_of_one_choice():
    agent = DQN(shaped(action=ACTIONS["one"][0]), hidden=(8,), num_envs=2)
    agent.learn(20)


class Many(Shaped):
    """Says that its rewards are vectors, as mo-gymnasium's environments do."""

    reward_space = spaces.Box(-1, 1, (2,))


PAIR = {"reward": np.array([1.0, 4.0], np.float32)}
gymnasium.register("tests/ManyTrue-v0", entry_point=Many, disable_env_checker=True, kwargs=PAIR)
gymnasium.register("tests/ManyFalse-v0", entry_point=Shaped, disable_env_checker=True, kwargs=PAIR)


@pytest.mark.parametrize("declared", [True, False])
def test_rewards_that_are_vectors_need_weights(declared):
    env = f"tests/Many{declared}-v0"
    with pytest.raises(SandlotError, match=r"gives 2 rewards at a time.*--reward-weights 0.5 0.5"):
        EnvSpec(env).batch(2)
    weighed = EnvSpec(env, wrappers=Wrappers(reward_weights=(1.0, 0.5)))
    assert trains(weighed).mean == 6 * 3.0
    with pytest.raises(SandlotError, match="--reward-weights must be 2 numbers, not 3"):
        EnvSpec(env, wrappers=Wrappers(reward_weights=(1, 1, 1))).batch(1)


def test_a_teams_rewards_are_added_up():
    """Level-based foraging: a Tuple of actions, and a list of rewards, one for each player."""
    team = spaces.Tuple((spaces.Discrete(3), spaces.Discrete(3)))
    assert trains(shaped(action=team, reward=[1.0, 2.0], done=lambda over: [over, over])).mean == 18


class Doubled(gymnasium.RewardWrapper):
    """Multiplies rewards."""

    def __init__(self, env, by=2.0):
        super().__init__(env)
        self.by = by

    def reward(self, reward):
        return self.by * reward


def test_wrappers_of_the_users_are_applied_in_order_and_kept(capsys):
    wrappers = Wrappers(wrapper=("tests.envs.test_adapters:Doubled", '{"by": 3}', "tests.envs.test_adapters:Doubled"))
    env_spec = EnvSpec("tests/Endless-v0", wrappers=wrappers)
    assert EnvSpec.from_json(env_spec.to_json()) == env_spec
    assert trains(env_spec).mean == 6 * 8
    assert Wrappers(wrapper=Doubled).wrapper == ("tests.envs.test_adapters:Doubled",)
    words = ["train", "ppo", "tests/Endless-v0", "--steps", "32", "--num-envs", "2", "--num-steps",
             "8", "--batch-size", "16", "--hidden", "8", "--wandb", "disabled", "--video-every", "0",
             "--evaluation-episodes", "2"]  # fmt: skip
    repeated = ["--wrapper", "tests.envs.test_adapters:Doubled", '{"by": 5}',
                "--wrapper", "tests.envs.test_adapters:Doubled"]  # fmt: skip
    assert main([*words, *repeated]) == 0
    assert main(["evaluate", "latest", "--episodes", "2"]) == 0
    assert capsys.readouterr().out.count("80.00  (95") >= 2


@pytest.mark.parametrize(
    ("wrapper", "sentence"),
    [
        (("ImgObsWrapper",), "a wrapper is named module:Class"),
        (('{"by": 3}',), "must follow the wrapper"),
        (("tests.envs.test_adapters:Doubled", "{by: 3}"), "the options of a wrapper must be JSON"),
        (("tests.envs.test_adapters:Doubled", '{"of": 3}'), "Doubled fails with .*TypeError"),
        (("tests.envs.test_adapters:Halved",), "has no 'Halved'"),
        (("tests.envs.test_adapters:QUICK",), "is a dict, and must be a wrapper"),
        (("builtins:dict",), "fails|no environment"),
    ],
)
def test_mistakes_about_wrappers_get_sentences(wrapper, sentence):
    with pytest.raises(SandlotError, match=sentence):
        EnvSpec("tests/Endless-v0", wrappers=Wrappers(wrapper=wrapper)).single()


def test_actions_are_repeated():
    env_spec = EnvSpec("tests/Counter-v0", {"length": 8}, wrappers=Wrappers(frame_skip=4, time_limit=1))
    env = env_spec.single()
    env.reset(seed=0)
    observation, reward, _, truncated, _ = env.step(0)
    assert (observation[0] % 100, reward, truncated) == (4, 4.0, True)
    with pytest.raises(SandlotError, match="frame_max needs a frame_skip"):
        Wrappers(frame_max=True)


@pytest.mark.parametrize("observation", [(7, 7, 3), (10, 10, 4), (3, 12, 12)])
def test_small_images_are_read_by_a_small_cnn(observation):
    image = spaces.Box(0, 255, observation, np.uint8)
    agent = PPO(shaped(observation=image), **QUICK)
    sizes = [array.size for array in agent.tensors().values()]
    assert sum(sizes) < 500_000
    assert any(array.ndim == 4 for name, array in agent.tensors().items() if "weight" in name)
    PPO(shaped(observation=image), network="board+mlp", **QUICK).learn(16)
    with pytest.raises(SandlotError, match=r"at least 36×36 pixels.*try --network strided or mlp"):
        PPO(shaped(observation=image), network="cnn", **QUICK)


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ("FlappyBird-v0", "FlappyBird-v0 is in flappy-bird-gymnasium, which is not installed: pip install flappy-bird"),
        ("MiniGrid-Empty-5x5-v0", "is in minigrid, which is not installed: pip install minigrid"),
        ("mo-gymnasium:mo-hopper-v5", "needs mo-gymnasium, which is not installed: pip install mo-gymnasium"),
        ("stable-baselines3:CartPole-v1", "did you mean stable_baselines3:CartPole-v1?"),
        ("CartPoel-v1", "did you mean CartPole-v1"),
        ("FlapyBird-v0", "pip install flappy-bird-gymnasium"),
        ("Nothing-like-it-v0", "sandlot envs WORD"),
    ],
)
def test_names_that_are_not_there_say_what_would_be(env, sentence, monkeypatch):
    ours = {package.module.partition(".")[0] for package in PACKAGES}
    from sandlot.envs import names

    found = names.is_installed
    monkeypatch.setattr(names, "is_installed", lambda module: module.partition(".")[0] not in ours and found(module))
    with pytest.raises(SandlotError) as caught:
        EnvSpec(env).single()
    assert sentence in str(caught.value)


def test_suggested_names_work_as_they_are_written():
    gymnasium.register("Plaice-Empty-5x5-v0", entry_point="tests.envs.test_adapters:Shaped")
    said = suggestions("tests.envs.test_adapters:Plaice-Emty-5x5-v0", [])
    assert said == "; did you mean tests.envs.test_adapters:Plaice-Empty-5x5-v0?"
    EnvSpec("tests.envs.test_adapters:Plaice-Empty-5x5-v0").single()


def test_environments_are_listed(capsys):
    assert main(["envs", "cartpole"]) == 0
    printed = capsys.readouterr().out
    assert "CartPole-v1" in printed
    assert "Taxi" not in printed
    assert any("CartPole-v1" in ids for _, ids in listing())
    assert main(["envs", "pettingzoo"]) == 0
    assert "pettingzoo/connect_four_v3" in capsys.readouterr().out
    assert main(["envs", "nothing-like-it"]) == 2


OLD = """
import gym
import numpy as np

class Old(gym.Env):
    action_space, observation_space, metadata = gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (1,)), None

    def reset(self):
        self.time = 0
        return np.zeros(1, np.float32)

    def step(self, action):
        self.time += 1
        return np.zeros(1, np.float32), 1.0, self.time == 9, {}

gym.register("Old-v0", entry_point="old_env:Old", max_episode_steps=5)
"""


def test_an_environment_of_the_old_gym_works_through_shimmy(tmp_path):
    pytest.importorskip("gym", reason="the old Gym is not installed")
    pytest.importorskip("shimmy", reason="Shimmy is not installed")
    (tmp_path / "old_env.py").write_text(OLD)
    code = "from sandlot import PPO; from sandlot.agents.evaluation import evaluate; import old_env\n"
    code += "print(evaluate(PPO('old_env:Old-v0').learn(64), 'old_env:Old-v0', episodes=3).mean)\n"
    code += "PPO(old_env.Old()).learn(64)\n"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "5.0", done.stderr[-500:]


@pytest.mark.parametrize("thing", [7, Endless, [Endless()], None])
def test_what_is_no_environment_gets_a_sentence(thing):
    with pytest.raises(SandlotError, match="is no environment: give an id"):
        make(thing)


def test_modules_that_register_are_imported(tmp_path, monkeypatch, capsys):
    (tmp_path / "registering.py").write_text(
        "import gymnasium\ngymnasium.register('Elsewhere-v0', 'tests.environments:Endless', disable_env_checker=True)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["train", "ppo", "Elsewhere-v0", "--import", "registering", "--steps", "32", "--num-envs", "2",
             "--num-steps", "8", "--batch-size", "16", "--wandb", "disabled", "--video-every", "0"]  # fmt: skip
    assert main([*words, "--evaluation-episodes", "2"]) == 0
    gymnasium.registry.pop("Elsewhere-v0")
    sys.modules.pop("registering")
    assert main(["evaluate", "latest", "--episodes", "2"]) == 0
    assert main(["train", "ppo", "Elsewhere-v0", "--import", "nowhere"]) == 2
    assert "there is no module 'nowhere'" in capsys.readouterr().err
