"""Episode ends, seeds and tasks are the same in every backend."""

from math import atan2

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.envs import EnvBatch, EnvFactory, EnvSpec, TabularVectorEnv, Wrappers, make, table_from
from sandlot.envs.backends.envpool import FASTER, pool_vector
from sandlot.tracking import SandlotError
from tests.environments import Endless

GAMMA = 0.9


def envpool_batch(env, num_envs, **options):
    pytest.importorskip("envpool", reason="EnvPool is not installed")
    return EnvSpec(env, backend="envpool", **options).batch(num_envs)


def in_mode(mode):
    return make(SyncVectorEnv([Endless] * 2, autoreset_mode=mode))


def in_processes(env, num_envs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0.0)
        return EnvSpec(env, backend="gymnasium").batch(num_envs)


def table(num_envs):
    stay = {0: {0: [(1.0, 0, 1.0, False)]}}
    return make(
        TabularVectorEnv(table_from(stay, np.ones(1), time_limit=8), num_envs, spaces.Discrete(1), spaces.Discrete(1))
    )


def upright(observation):
    return (observation[:, 2] + observation[:, 3] > 0).astype(int)


def left(observation):
    return np.zeros(len(observation), int)


ENDLESS = {
    **{mode.name: (lambda mode=mode: in_mode(mode), left) for mode in AutoresetMode},
    "async": (lambda: in_processes("tests/Endless-v0", 2), left),
    "vector": (lambda: EnvSpec("CartPole-v1").batch(2), upright),
    "table": (lambda: table(2), left),
    "envpool": (lambda: envpool_batch("CartPole-v1", 2, wrappers=Wrappers(time_limit=50)), upright),
}  # fmt: skip
"""Environments with a reward of 1 per step, which never terminate and are truncated."""


def learned_value(env, policy, ends):
    """Return the TD(0) value of the only state, without bootstrapping in the rows `ends`."""
    value, observation, cuts = 0.0, env.reset(0), 0
    for _ in range(700):
        step = env.step(policy(observation))
        observation = step.observation
        target = step.reward + GAMMA * value * ~ends(step)
        value += 0.1 * (target[step.valid] - value).sum()
        cuts += step.truncated.sum()
        assert not step.terminated.any()
    assert cuts
    return value


@pytest.mark.parametrize("backend", ENDLESS)
def test_truncation_bootstraps_and_resets_are_no_transitions(backend):
    make_env, policy = ENDLESS[backend]
    env = make_env()
    assert learned_value(env, policy, lambda step: step.terminated) == pytest.approx(1 / (1 - GAMMA), rel=5e-3)
    env.close()


def test_truncation_as_termination_lowers_the_value():
    env = ENDLESS["NEXT_STEP"][0]()
    assert learned_value(env, left, lambda step: step.terminated | step.truncated) < 0.8 / (1 - GAMMA)


def test_rows_that_reset_are_invalid_with_reward_zero():
    env = ENDLESS["NEXT_STEP"][0]()
    env.reset(0)
    step = [env.step(np.zeros(2, int)) for _ in range(9)][-1]
    assert not step.valid.any()
    assert (step.reward == 0).all()


STATES = {
    "CartPole-v1": lambda o: o.astype(float),
    "Acrobot-v1": lambda o: np.array([atan2(o[1], o[0]), atan2(o[3], o[2]), o[4], o[5]]),
    "MountainCar-v0": lambda o: o.astype(float),
    "MountainCarContinuous-v0": lambda o: o.astype(float),
}
"""From an observation to the simulator's state."""
BACKENDS = [
    ("CartPole-v1", "vector"),
    ("Acrobot-v1", "sync"),
    ("Acrobot-v1", "async"),
    *((env, "envpool") for env in STATES),
]


@pytest.mark.parametrize(("env", "backend"), BACKENDS)
def test_each_transition_is_the_simulators(env, backend):
    """So no transition spans a reset, and rewards and ends are those of the task."""
    if backend == "envpool":
        batch = envpool_batch(env, 3)
    else:
        batch = in_processes(env, 3) if backend == "async" else EnvSpec(env, backend="gymnasium").batch(3)
    assert batch.backend == backend
    core = EnvSpec(env).single().unwrapped
    core.reset(seed=0)
    batch.env.action_space.seed(0)
    observation, lengths = batch.reset(5), np.zeros(3, int)
    limit = EnvSpec(env).single().spec.max_episode_steps
    for _ in range(2 * limit if env == "MountainCar-v0" else 300):
        action = batch.env.action_space.sample()
        step = batch.step(action)
        lengths += step.valid
        for row in np.flatnonzero(step.valid):
            core.state = STATES[env](observation[row])
            if env == "CartPole-v1":
                core.steps_beyond_terminated = None
            expected, reward, terminated, *_ = core.step(action[row])
            np.testing.assert_allclose(step.next_observation[row], expected, atol=1e-3)
            assert step.reward[row] == pytest.approx(reward, abs=1e-3)
            assert (step.terminated[row], step.truncated[row]) == (terminated, lengths[row] == limit)
        lengths[step.terminated | step.truncated] = 0
        observation = step.observation
    batch.close()


def test_envpool_reports_termination_in_the_step_of_the_time_limit():
    falls = 0
    for limit in range(8, 12):
        batch = envpool_batch("CartPole-v1", 64, wrappers=Wrappers(time_limit=limit))
        batch.reset(0)
        last = [batch.step(np.ones(64, int)) for _ in range(limit)][-1]
        falls += int((last.terminated & last.truncated).sum())
        assert last.truncated.any()
    assert falls > 0


SEEDED = [
    *(("auto", env) for env in ("CartPole-v1", "Acrobot-v1", "FrozenLake-v1", "Blackjack-v1", "tests/Match-v0")),
    *(("async", env) for env in ("Blackjack-v1", "tests/Match-v0")),
    *(("envpool", env) for env in ("CartPole-v1", "FrozenLake-v1", "LunarLander-v3")),
    ("ale", "ALE/Breakout-v5"),
]


def trace(batch, steps=40):
    batch.env.action_space.seed(1)
    seen = [batch.reset(7)]
    for _ in range(steps):
        step = batch.step(batch.env.action_space.sample())
        seen += [step.observation, step.reward, step.terminated, step.episode_start]
    batch.close()
    return seen


@pytest.mark.parametrize(("kind", "env"), SEEDED)
def test_a_seed_reproduces_every_backend(kind, env):
    if kind == "ale":
        pytest.importorskip("ale_py", reason="ALE is not installed")

    def batch():
        return {"async": in_processes, "envpool": envpool_batch}.get(kind, lambda env, n: EnvSpec(env).batch(n))(env, 3)

    for a, b in zip(trace(batch()), trace(batch()), strict=True):
        np.testing.assert_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("env", FASTER)
def test_envpool_is_the_same_task(env):
    """Returns and lengths under random play, of the same number of episodes for each copy."""
    results = []
    for batch in (envpool_batch(env, 32), EnvSpec(env, backend="gymnasium").batch(32)):
        batch.env.action_space.seed(0)
        batch.reset(0)
        share, found = np.full(32, 4), []
        while share.any():
            episodes = batch.step(batch.env.action_space.sample()).episodes
            for total, length, index in zip(*episodes, strict=True) if episodes else ():
                share[index] -= 1
                if share[index] >= 0:
                    found.append((total, length))
            share = share.clip(0)
        results.append(np.array(found))
        batch.close()
    ours, theirs = results
    spread = np.sqrt(ours.var(0) / len(ours) + theirs.var(0) / len(theirs)) + 1e-6
    assert (np.abs(ours.mean(0) - theirs.mean(0)) < 4.5 * spread + 1e-3).all()


def test_auto_uses_envpool_where_it_is_faster_and_supports_the_wrappers():
    pytest.importorskip("envpool", reason="EnvPool is not installed")
    assert make("Acrobot-v1", 2).backend == "envpool"
    assert make("Acrobot-v1", 2).observation_space == EnvSpec("Acrobot-v1").single().observation_space
    assert make("Acrobot-v1", 2, backend="gymnasium").backend == "sync"
    assert make("Acrobot-v1", 2, wrappers=Wrappers(hide_velocities=True)).backend == "sync"
    assert make("CartPole-v1", 2).backend == "vector"
    with pytest.raises(SandlotError, match="leave out --backend envpool"):
        envpool_batch("CartPole-v1", 2, wrappers=Wrappers(frame_stack=2))
    with pytest.raises(SandlotError, match="EnvPool does not have tests/Match-v0 at all"):
        envpool_batch("tests/Match-v0", 2)


def test_environments_only_in_envpool_run_and_render():
    batch = envpool_batch("MiniGrid-Empty-5x5-v0", 2)
    single = EnvSpec("MiniGrid-Empty-5x5-v0", backend="envpool").single(render=True)
    assert batch.observation_space == single.observation_space
    first, _ = single.reset(seed=4)
    np.testing.assert_equal({key: part[0] for key, part in batch.reset(4).items()}, first)
    assert single.render().shape[2] == 3
    single.close()
    batch.close()
    with pytest.raises(SandlotError, match="with --backend envpool"):
        EnvSpec("MiniGrid-Empty-5x5-v0").single()


def test_without_envpool_its_backend_is_an_error(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.pool_ids", list)
    with pytest.raises(SandlotError, match=r'pip install "sandlot\[envpool\]"'):
        EnvSpec("CartPole-v1", backend="envpool").batch(2)
    assert pool_vector(EnvSpec("CartPole-v1", wrappers=Wrappers(grey=True)), 2, None) is None
    assert isinstance(make("CartPole-v1"), EnvBatch)


def test_the_factory_records_the_resolved_backend():
    pytest.importorskip("envpool", reason="EnvPool is not installed")
    assert EnvFactory("Acrobot-v1", 2).env_spec == EnvSpec("Acrobot-v1", backend="envpool")


def test_runs_with_envpool_can_be_evaluated_without_it(monkeypatch):
    monkeypatch.setattr("sandlot.envs.spec.pool_ids", list)
    monkeypatch.setattr("sandlot.envs.backends.vectorize.FASTER", {})
    assert EnvFactory("Acrobot-v1", 2).env_spec == EnvSpec("Acrobot-v1", backend="gymnasium")
    assert EnvSpec("Acrobot-v1", backend="envpool").playable() == EnvSpec("Acrobot-v1")
    assert EnvSpec("Acrobot-v1", backend="gymnasium").playable().backend == "gymnasium"
