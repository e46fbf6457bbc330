"""Making environments from a spec: backends, ids, error messages."""

import gymnasium
import numpy as np
import pytest

from sandlot.envs import EnvSpec, make
from sandlot.tracking import SandlotError


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
    env = make("tests.environments:tests/Counter-v0", 2)
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
        ("nowhere:X-v0", "there is no module 'nowhere', neither in the current folder nor installed"),
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
