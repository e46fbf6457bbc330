"""Generated inputs: spaces, configs, metrics, messages. Each is taken, or refused by a sentence."""

import contextlib
import json
import math

import gymnasium
import numpy as np
import pytest

pytest.importorskip("hypothesis", reason='generated inputs need the extra "test"')

from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandlot.agents import PPO
from sandlot.cli import main
from sandlot.tracking import SandlotError, read_metrics
from sandlot.tracking.metrics import drop_rows_after, step_of
from sandlot.tracking.schema import check_config, check_state, check_summary, check_wandb

QUICK = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["wandb", "mode", "status", "env_step", "step", "config", "training", "best", "value", "seed"])


@QUICK
@given(st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=6) | JSON)
def test_whatever_json_says_is_read_or_refused(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("schema") / "summary.json"
    path.write_text(json.dumps(value))
    for check in (check_config, check_state, check_summary, check_wandb):
        with contextlib.suppress(SandlotError):
            assert isinstance(check(path), dict)


@QUICK
@given(st.lists(st.binary(max_size=30) | st.integers(0, 60).map(lambda n: b'{"env_step": %d}' % n)), st.integers(0, 60))
def test_whole_rows_survive_any_lines_between_them(tmp_path_factory, lines, step):
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "metrics.jsonl").write_bytes(b"\n".join([*lines, b""]))
    before = read_metrics(folder)
    drop_rows_after(folder, step)
    assert read_metrics(folder) == [row for row in before if step_of(row) <= step]


@QUICK
@given(
    st.text(max_size=60)
    | JSON.map(json.dumps)
    | st.dictionaries(st.sampled_from(["kind", "down", "action"]), JSON).map(json.dumps)
)
def test_whatever_a_page_says_is_a_message_or_none(text):
    messages = pytest.importorskip("sandlot.play.messages", reason='the page needs the extra "play"')
    with contextlib.suppress(ValueError):
        assert isinstance(messages.parse(text), messages.Message)


@QUICK
@given(
    st.sampled_from(["--num-envs", "--hidden", "--gamma", "--checkpoint-every", "--seed", "--frame-stack"]),
    st.integers(-(10**12), 10**12) | st.floats() | st.text(alphabet="0123456789e.-infa", max_size=5),
)
def test_whatever_an_option_says_is_a_run_or_a_sentence(tmp_path_factory, option, value):
    """Only the values that no machine can take: what trains is tried in other tests."""
    try:
        number = abs(float(value))
    except (ValueError, OverflowError):
        number = math.nan
    if number < 10**6:
        return
    runs = str(tmp_path_factory.mktemp("runs"))
    words = ["ppo", "CartPole-v1", "--steps", "0", "--runs-dir", runs, f"{option}={value}"]
    try:
        status = main(["train", *words])
    except SystemExit as stop:
        status = stop.code
    assert status == 2


def boxes() -> st.SearchStrategy[spaces.Space]:
    shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
    bounds = st.sampled_from([(-1.0, 1.0), (0.0, 255.0), (-np.inf, np.inf), (0.0, np.inf), (2.0, 2.0)])
    floats = st.builds(lambda shape, bound, dtype: spaces.Box(*bound, shape, dtype), shapes, bounds,
                       st.sampled_from([np.float32, np.float64]))  # fmt: skip
    whole = st.builds(
        lambda shape, dtype: spaces.Box(0, 100, shape, dtype), shapes, st.sampled_from([np.uint8, np.int64])
    )
    return floats | whole


def any_space() -> st.SearchStrategy[spaces.Space]:
    plain = (
        boxes()
        | st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 5), st.integers(-3, 3))
        | st.lists(st.integers(1, 4), min_size=1, max_size=3).map(spaces.MultiDiscrete)
        | st.integers(1, 4).map(spaces.MultiBinary)
        | st.just(spaces.Text(3))
        | st.just(spaces.Sequence(spaces.Discrete(2)))
    )
    keys = st.sampled_from(["a", "b", "values", "items", "type", ""])
    return (
        plain
        | st.dictionaries(keys, plain, min_size=1, max_size=2).map(spaces.Dict)
        | (st.lists(plain, min_size=1, max_size=2).map(spaces.Tuple))
    )


class Sampled(gymnasium.Env):
    """An environment that shows samples of its space."""

    def __init__(self, observation: spaces.Space, action: spaces.Space):
        self.observation_space, self.action_space = observation, action
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action), (self.action_space, action)
        self.steps += 1
        return self.observation_space.sample(), 1.0, self.steps == 5, False, {}


@pytest.mark.attack
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore")
@LONG
@given(any_space(), any_space())
def test_any_space_trains_or_gets_a_sentence(observation, action):
    with contextlib.suppress(SandlotError):
        PPO(Sampled(observation, action), num_envs=1, num_steps=8, batch_size=8, hidden=(4,)).learn(16)
