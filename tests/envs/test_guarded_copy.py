"""What vector environments can't bear of their copies: any info, errors without a place, a second copy."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import PPO
from sandlot.envs import EnvFactory, EnvSpec, make
from sandlot.tracking import SandlotError

SIZE = {"num_steps": 16, "batch_size": 16, "epochs": 1}


class Talks(gymnasium.Env):
    """Says something odd in its infos."""

    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def __init__(self, kind: str = "array"):
        self.kind = kind

    def reset(self, *, seed: int | None = None, options: Any = None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(2, np.float32), self._info()

    def step(self, action: Any):
        self.time += 1
        return np.zeros(2, np.float32), 1.0, False, self.time >= 8, self._info()

    def _info(self) -> Any:
        n = int(self.np_random.integers(1, 5))
        return {
            "array": {"path": np.zeros(n), "truth": np.array([0.3])},
            "type": {"hit": n if n % 2 else "none"},
            "nested": {"d": {"a": 1} if n % 2 else 0},
            "function": {"draw": lambda: 1},
            "none": None,
        }[self.kind]


class Only(Talks):
    """May exist only once."""

    open, made = 0, 0

    def __init__(self):
        super().__init__()
        if Only.open:
            raise OSError("port 5005 is in use")
        Only.open, Only.made = 1, Only.made + 1

    def close(self):
        Only.open = 0


class Fails(Talks):
    """Fails early, in one of several ways."""

    def step(self, action: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.kind == "four":
            return np.zeros(2, np.float32), 1.0, False, {}
        raise RuntimeError("motor 3 is hot")

    def _info(self):
        return {}


class Old(Talks):
    """Resets as gym's environments did."""

    def reset(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return np.zeros(2, np.float32), {}


class Bare(Talks):
    """Gives no info with its first observation."""

    def reset(self, **options: Any) -> Any:
        return np.zeros(2, np.float32)


class Unmade(Talks):
    """Fails while it is made."""

    def __init__(self):
        raise ValueError("no such track")


for env in (Talks, Only, Fails, Old, Bare, Unmade):
    gymnasium.register(f"tests/{env.__name__}-v0", entry_point=env, disable_env_checker=True)


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("kind", ["array", "type", "nested", "function", "none"])
def test_infos_that_training_does_not_need_can_be_anything(kind, parallel, monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0.0 if parallel else 1.0)
    batch = EnvSpec("tests/Talks-v0", {"kind": kind}).batch(2)
    assert batch.backend == ("async" if parallel else "sync")
    batch.reset(0)
    for _ in range(10):
        batch.step(np.zeros(2, int))
    batch.close()


def test_a_given_env_may_say_anything():
    for kind in ("array", "function", "none"):
        PPO(Talks(kind), num_envs=1, **SIZE).learn(32)


def test_an_env_that_may_exist_only_once_is_made_once_at_a_time_and_closed():
    PPO("tests/Only-v0", num_envs=1, **SIZE).learn(32)
    assert (Only.made, Only.open) == (2, 0)
    EnvFactory("tests/Only-v0", 1).batch().close()
    assert Only.open == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("env", "kwargs", "message"),
    [
        ("Fails", {}, r"failed: RuntimeError: motor 3 is hot \(.*test_guarded_copy.py:\d+\), at step 1 after a reset"),
        ("Fails", {"kind": "four"}, r"failed: ValueError: not enough values .*test_guarded_copy.py:\d+\), at step 1"),
        ("Old", {}, r"failed: TypeError: .*unexpected keyword argument 'seed' \(.*test_guarded_copy.py:\d+\)"),
        ("Bare", {}, r"reset\(\) must return an observation and an info.*test_guarded_copy.py:\d+\)"),
        ("Unmade", {}, r"can't be made: ValueError: no such track \(.*test_guarded_copy.py:\d+\)"),
    ],
)
def test_early_failures_get_one_sentence_with_the_users_line(env, kwargs, message):
    with pytest.raises(SandlotError, match=message) as caught:
        EnvSpec(f"tests/{env}-v0", kwargs).batch(2)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_failures_of_a_given_env_get_one_sentence_too():
    with pytest.raises(SandlotError, match=r"Old failed: TypeError: .*unexpected keyword argument 'seed'"):
        make(Old())
    with pytest.raises(SandlotError, match=r"Fails failed: RuntimeError: motor 3 is hot \(.*test_guarded_copy"):
        PPO(Fails(), num_envs=1, **SIZE).learn(16)


@pytest.mark.filterwarnings("ignore")
def test_an_error_in_a_process_names_the_users_line(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize._probe", lambda env_spec: (env_spec.single(), 1.0))
    batch = EnvSpec("tests/Fails-v0").batch(2)
    batch.reset(3)
    with pytest.raises(SandlotError, match=r"motor 3 is hot \(.*test_guarded_copy.py:\d+\), at step 1"):
        batch.step(np.zeros(2, int))
    batch.close()
