import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.envs import EnvBatch, EnvSpec, make, space_from_json, space_to_json, tree_map
from sandlot.tracking import SandlotError
from tests.worlds import ACTIONS, OBSERVATIONS, Counter, Match

MODES = list(AutoresetMode)


def batch(mode, *envs):
    return EnvBatch(SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=mode), "test")


def play(env, steps):
    """Return, for each env, the transitions that are there to learn from: (observation, reward, next, ends)."""
    observation = env.reset(0)
    transitions = [[] for _ in range(env.num_envs)]
    for _ in range(steps):
        step = env.step(np.zeros(env.num_envs, int))
        for i in np.flatnonzero(step.valid):
            ends = "T" * int(step.terminated[i]) + "t" * int(step.truncated[i])
            row = (observation[i, 0].item(), float(step.reward[i]), step.next_observation[i, 0].item(), ends)
            transitions[i].append(row)
        observation = step.observation
    return transitions


@pytest.mark.parametrize("mode", MODES)
def test_every_autoreset_mode_gives_the_same_transitions(mode):
    first, second = play(batch(mode, Counter(2, terminates=True), Counter(3)), 8)
    assert first[:4] == [(0, 1, 1, ""), (1, 1, 2, "T"), (100, 1, 101, ""), (101, 1, 102, "T")]
    assert second[:5] == [(0, 1, 1, ""), (1, 1, 2, ""), (2, 1, 3, "t"), (100, 1, 101, ""), (101, 1, 102, "")]


@pytest.mark.parametrize("mode", MODES)
def test_episode_starts_and_episodes_are_reported(mode):
    env = batch(mode, Counter(2), Counter(3))
    observation, episodes = env.reset(0), []
    for _ in range(12):
        step = env.step(np.zeros(2, int))
        assert (step.episode_start == (step.observation[:, 0] % 100 == 0)).all()
        if step.episodes is not None:
            episodes += zip(*(column.tolist() for column in step.episodes), strict=True)
    assert {(2.0, 2, 0), (3.0, 3, 1)} == set(episodes)
    assert observation.shape == (2, 1)


def test_a_row_that_only_resets_is_not_valid():
    env = batch(AutoresetMode.NEXT_STEP, Counter(1), Counter(9))
    env.reset(0)
    assert env.step(np.zeros(2, int)).valid.tolist() == [True, True]
    assert env.step(np.zeros(2, int)).valid.tolist() == [False, True]


def test_final_observations_of_nested_spaces():
    env = batch(AutoresetMode.SAME_STEP, Match("tuple"), Match("tuple"))
    env.reset(0)
    step = [env.step(np.zeros(2, int)) for _ in range(8)][-1]
    assert step.terminated.all()
    assert step.next_observation is not step.observation
    tree_map(
        np.testing.assert_array_equal, tree_map(np.shape, step.next_observation), tree_map(np.shape, step.observation)
    )


def test_an_env_without_autoreset_mode_is_an_error():
    vector = SyncVectorEnv([Counter])
    vector.metadata = {}
    with pytest.raises(SandlotError, match="autoreset_mode"):
        EnvBatch(vector, "test")


@pytest.mark.parametrize(
    ("env", "backend"), [("CartPole-v1", "vector"), ("Acrobot-v1", "sync"), ("tests/Match-v0", "sync")]
)
def test_auto_picks_the_fastest_backend_and_seeds_repeat(env, backend):
    def observations():
        envs = make(env, 3, backend="auto" if backend == "vector" else "gymnasium")
        assert envs.backend == backend
        seen = [envs.reset(7)]
        seen += [envs.step(np.zeros(3, int)).observation for _ in range(30)]
        envs.close()
        return np.array(seen)

    np.testing.assert_array_equal(observations(), observations())


def test_an_id_can_name_the_module_that_registers_it():
    env = make("tests.worlds:tests/Counter-v0", 2)
    assert env.backend == "sync"
    assert env.reset(0).shape == (2, 1)


def test_slow_environments_run_in_processes(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0.0)
    envs = make("Acrobot-v1", 2, backend="gymnasium")
    assert envs.backend == "async"
    slow = envs.reset(3)
    envs.close()
    monkeypatch.undo()
    assert make("Acrobot-v1", 2, backend="gymnasium").reset(3) == pytest.approx(slow)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("CartPoel-v1", "there is no environment 'CartPoel-v1'; did you mean CartPole-v1"),
        ("CartPole-v9", "there is no environment 'CartPole-v9'; did you mean CartPole-v"),
        ("LunarLander-v2", "LunarLander-v3"),
        ("nowhere:X-v0", "needs the package 'nowhere', which is not installed"),
        ("///", "there is no environment"),
    ],
)
def test_an_unknown_id_is_an_error_with_suggestions(env, message):
    with pytest.raises(SandlotError, match=message) as caught:
        make(env)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    def missing(*args, **kwargs):
        raise gymnasium.error.DependencyNotInstalled('MuJoCo is not installed, run `pip install "gymnasium[mujoco]"`')

    monkeypatch.setattr(gymnasium, "make", missing)
    with pytest.raises(SandlotError, match=r'pip install "sandlot\[mujoco\]"'):
        EnvSpec("Ant-v5").single()


def test_unknown_options_are_an_error():
    with pytest.raises(SandlotError, match="does not take these options"):
        make("CartPole-v1", kwargs={"gravity": 3})


@pytest.mark.parametrize("space", [space for space, _ in [*OBSERVATIONS.values(), *ACTIONS.values()]], ids=str)
def test_spaces_survive_json(space):
    import json

    assert space_from_json(json.loads(json.dumps(space_to_json(space)))) == space


def test_an_unsupported_space_is_an_error():
    with pytest.raises(SandlotError, match="Text spaces are not supported"):
        space_to_json(gymnasium.spaces.Text(3))


@pytest.mark.parametrize("follows", [True, False])
def test_catch_rewards_following_the_ball(follows):
    catch = gymnasium.make("sandlot/Catch-v0", render_mode="rgb_array")
    for seed in range(10):
        image, _ = catch.reset(seed=seed)
        over, reward = False, 0.0
        while not over:
            cells = image[::4, ::4, 0]
            ball, paddle = int(cells[:-1].any(0).argmax()), int(cells[-1].argmax())
            aim = ball if follows else 9 * (ball < 5)
            image, reward, over, _, _ = catch.step(1 + np.sign(aim - paddle))
        assert reward == (1 if follows else -1)
    assert catch.render().shape == (40, 40, 3)  # pyright: ignore[reportAttributeAccessIssue]
