"""Wrappers are the same in every backend, and reported returns are unmodified."""

import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import PPO
from sandlot.agents.evaluation import evaluate
from sandlot.envs import EnvSpec, Wrappers, make
from sandlot.tracking import SandlotError
from tests.environments import HORIZON

IMAGES = {"observation": "image"}


def batch_like_single(env_spec):
    """Return a batch of `env_spec`, after checking that spaces and first observation are those of one copy."""
    batch, single = env_spec.batch(2), env_spec.single()
    assert batch.observation_space == single.observation_space
    assert batch.action_space == single.action_space
    observation, _ = single.reset(seed=3)
    np.testing.assert_equal(batch.reset(3)[0], observation)
    return batch


def test_a_spec_survives_json_and_old_records_load():
    wrappers = Wrappers(frame_stack=3, hide_entries=(1, 2), reward_clip=2.0, sticky_actions=0.1)
    env_spec = EnvSpec("CartPole-v1", {"sutton_barto_reward": True}, "gymnasium", wrappers)
    assert EnvSpec.from_json(json.loads(json.dumps(env_spec.to_json()))) == env_spec
    assert EnvSpec.from_json({"id": "CartPole-v1", "kwargs": {}}) == EnvSpec("CartPole-v1", wrappers=Wrappers())


def test_images_are_greyscale_resized_and_stacked():
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    batch = batch_like_single(EnvSpec("tests/Match-v0", IMAGES, wrappers=Wrappers(grey=True, resize=20, frame_stack=4)))
    assert batch.observation_space == spaces.Box(0, 255, (4, 20, 20), np.uint8)


def test_frames_are_stacked_latest_last():
    env = make("tests/Counter-v0", 1, wrappers=Wrappers(frame_stack=3))
    assert (env.reset(0)[0].ravel() % 100).tolist() == [0, 0, 0]
    seen = [(env.step(np.zeros(1, int)).next_observation[0].ravel() % 100).tolist() for _ in range(3)]
    assert seen == [[0, 0, 1], [0, 1, 2], [1, 2, 3]]


@pytest.mark.parametrize("env", ["CartPole-v1", "Acrobot-v1", "Pendulum-v1", "MountainCar-v0"])
def test_hide_velocities_keeps_the_other_entries(env):
    single = EnvSpec(env).single()
    observation, _ = single.reset(seed=3)
    after = single.step(single.action_space.sample())[0]
    hidden = batch_like_single(EnvSpec(env, wrappers=Wrappers(hide_velocities=True)))
    shown = hidden.reset(3)[0]
    assert set(shown.tolist()) <= set(observation.tolist())
    assert len(shown) < len(observation)
    assert len(after) - len(shown) == {"CartPole-v1": 2, "Acrobot-v1": 2}.get(env, 1)


def test_hide_entries_by_index():
    batch = batch_like_single(EnvSpec("CartPole-v1", wrappers=Wrappers(hide_entries=(0, 1, 3))))
    assert batch.observation_space.shape == (1,)
    assert batch.observation_space.high[0] == pytest.approx(0.419, abs=1e-3)


def test_continuous_actions_are_rescaled():
    batch = batch_like_single(EnvSpec("Pendulum-v1", wrappers=Wrappers(rescale_actions=True)))
    assert batch.action_space == spaces.Box(-1, 1, (1,), np.float32)
    plain = EnvSpec("Pendulum-v1").batch(2)
    plain.reset(3)
    batch.reset(3)
    ours, theirs = batch.step(np.full((2, 1), 0.5, np.float32)), plain.step(np.full((2, 1), 1.0, np.float32))
    np.testing.assert_allclose(ours.observation, theirs.observation, rtol=1e-5)


@pytest.mark.parametrize("env", ["CartPole-v1", "FrozenLake-v1", "tests/Counter-v0"])
def test_a_time_limit_truncates(env):
    batch = make(env, 2, wrappers=Wrappers(time_limit=2), kwargs={"length": 9} if env.startswith("tests") else {})
    batch.reset(0)
    assert not batch.step(np.zeros(2, int)).truncated.any()
    assert batch.step(np.zeros(2, int)).truncated.all()


def test_sticky_actions_repeat_the_previous_action():
    batch = make("tests/Match-v0", 1, wrappers=Wrappers(sticky_actions=0.5), kwargs={"observation": "box"})
    plain = make("tests/Match-v0", 1)
    chosen = {}
    for name, env in (("sticky", batch), ("plain", plain)):
        observation, total = env.reset(0), 0.0
        for _ in range(400):
            step = env.step(observation.argmax(1))
            total, observation = total + step.reward[step.valid].sum(), step.observation
        chosen[name] = total
    assert chosen["sticky"] < 0.9 * chosen["plain"]


@pytest.mark.parametrize("backend", ["auto", "gymnasium"])
@pytest.mark.parametrize("env", ["CartPole-v1", "FrozenLake-v1", "tests/Endless-v0"])
def test_rewards_are_scaled_and_clipped_and_returns_are_not(env, backend):
    plain = make(env, 2, backend=backend)
    shaped = make(env, 2, backend=backend, wrappers=Wrappers(reward_scale=4.0, reward_clip=3.0))
    assert shaped.backend == plain.backend
    for batch in (plain, shaped):
        batch.reset(1)
    for _ in range(30):
        action = np.ones(2, int)
        a, b = plain.step(action), shaped.step(action)
        np.testing.assert_array_equal(b.reward, np.clip(4 * a.reward, -3, 3))
        np.testing.assert_equal(b.episodes, a.episodes)
        np.testing.assert_equal(shaped.unfinished, plain.unfinished)


def test_evaluation_reports_the_raw_return():
    agent = PPO("tests/Endless-v0", num_envs=1, num_steps=8, batch_size=8)
    env_spec = EnvSpec("tests/Endless-v0", wrappers=Wrappers(reward_scale=-5.0))
    assert evaluate(agent, env_spec, episodes=2).returns.tolist() == [HORIZON, HORIZON]


def test_a_lost_life_ends_the_episode_for_the_learner_only():
    env = make("tests/Lives-v0", 1, wrappers=Wrappers(life_loss=True, reward_clip=1.0))
    env.reset(0)
    steps = [env.step(np.zeros(1, int)) for _ in range(8)]
    assert [bool(step.terminated[0]) for step in steps] == [False, True, False, True, False, True, False, False]
    assert [bool(step.episode_start[0]) for step in steps] == [False, True, False, True, False, False, True, False]
    assert [bool(step.valid[0]) for step in steps] == [True] * 6 + [False, True]
    assert [step.next_observation[0, 0] for step in steps] == [1, 2, 3, 4, 5, 6, 0, 1]
    episodes = [step.episodes for step in steps if step.episodes is not None]
    assert [(list(e.returns), list(e.lengths)) for e in episodes] == [([12.0], [6])]


@pytest.mark.parametrize(
    ("env", "wrappers", "message"),
    [
        ("CartPole-v1", {"rescale_actions": True}, "rescale_actions needs continuous actions"),
        ("CartPole-v1", {"grey": True}, "grey or resize needs images"),
        ("CartPole-v1", {"hide_entries": (4,)}, "hide_entries must be below 4"),
        ("CartPole-v1", {"hide_entries": (0, 1, 2, 3)}, "must leave at least one entry"),
        ("tests/Match-v0", {"hide_velocities": True}, "the velocities in observations of Match are not known"),
        ("CartPole-v1", {"sticky_actions": 1.0}, r"sticky_actions must be in \[0, 1\)"),
        ("CartPole-v1", {"frame_stack": 0}, "frame_stack must be at least 1"),
    ],
)
def test_invalid_wrappers_are_errors(env, wrappers, message):
    with pytest.raises(SandlotError, match=message):
        EnvSpec(env, wrappers=Wrappers(**wrappers)).batch(2)


def test_a_run_records_its_wrappers(tmp_path, monkeypatch, capsys):
    from sandlot.cli import main
    from sandlot.tracking import Run

    monkeypatch.chdir(tmp_path)
    size = ["--num-envs", "2", "--num-steps", "16", "--batch-size", "32", "--epochs", "1", "--steps", "200"]
    record = ["--evaluation-episodes", "4", "--video-every", "0", "--wandb", "disabled"]
    flags = ["--frame-stack", "2", "--hide-velocities", "--reward-scale", "-1", "--time-limit", "30"]
    assert main(["train", "ppo", "CartPole-v1", *size, *record, *flags, "--backend", "gymnasium"]) == 0
    run = Run.find(tmp_path / "runs", "latest")
    wrappers = Wrappers(frame_stack=2, hide_velocities=True, reward_scale=-1.0, time_limit=30)
    assert EnvSpec.from_json(run.config["env"]) == EnvSpec("CartPole-v1", {}, "gymnasium", wrappers)
    assert 1 < run.summary["evaluation"]["return"] <= 30
    assert main(["evaluate", "latest", "--episodes", "3"]) == 0
    assert main(["record", "latest", "--output", "film.mp4"]) == 0
    assert (tmp_path / "film.mp4").stat().st_size > 1000
    capsys.readouterr()


class TestAtari:
    """Comparison with single games, frame by frame."""

    @pytest.fixture(autouse=True)
    def ale(self):
        pytest.importorskip("cv2", reason="OpenCV is not installed")
        return pytest.importorskip("ale_py", reason="ALE is not installed")

    def test_the_standard_preprocessing_is_the_default(self):
        env_spec = EnvSpec("ALE/Breakout-v5")
        assert env_spec.resolved_wrappers == replace(
            EnvSpec("BreakoutNoFrameskip-v4").resolved_wrappers, sticky_actions=0.25
        )
        batch, single = env_spec.batch(2), env_spec.single(render=True)
        assert batch.backend == "ale"
        assert batch.observation_space == single.observation_space == spaces.Box(0, 255, (4, 84, 84), np.uint8)
        single.reset(seed=0)
        assert single.render().shape == (210, 160, 3)
        assert (
            EnvSpec("ALE/Breakout-v5", wrappers=replace(env_spec.resolved_wrappers, time_limit=9)).batch(1).backend
            != "ale"
        )

    def test_every_step_matches_a_single_game(self):
        from ale_py.vector_env import AtariVectorEnv
        from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

        from sandlot.envs import EnvBatch

        games = AtariVectorEnv("breakout", 1, noop_max=0, use_fire_reset=False, reward_clipping=False)
        batch = EnvBatch(games, "breakout", wrappers=EnvSpec("ALE/Breakout-v5").resolved_wrappers)
        plain = gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0)
        single = FrameStackObservation(AtariPreprocessing(plain, noop_max=0), 4, padding_type="zero")
        observation, rng, ends, lives, total = batch.reset(1), np.random.default_rng(0), 0, 5, 0.0
        np.testing.assert_array_equal(observation[0], single.reset(seed=1)[0])
        while ends < 2:
            action = int(rng.integers(4))
            step = batch.step(np.array([action]))
            if not step.valid[0]:
                np.testing.assert_array_equal(step.observation[0], single.reset()[0])
                lives, total = 5, 0.0
                continue
            seen, reward, over, truncated, info = single.step(action)
            total += float(reward)
            np.testing.assert_array_equal(step.next_observation[0], seen)
            assert step.reward[0] == np.clip(reward, -1, 1)
            assert (step.terminated[0], step.truncated[0]) == (over or info["lives"] < lives, truncated)
            assert step.episode_start[0] == (info["lives"] < lives and not over)
            assert (step.episodes is not None) == over
            if over:
                assert step.episodes.returns.tolist() == [total]
                ends += 1
            lives = info["lives"]

    @pytest.mark.slow
    def test_gymnasium_copies_are_the_same_task_as_ales_vector_env(self):
        """The plain copies, which videos use, against ALE's own vector env: mean score and length at random."""
        results = []
        for batch in (EnvSpec("ALE/Breakout-v5").batch(8), make("ALE/Breakout-v5", 8, kwargs={"mode": 0})):
            batch.reset(0)
            batch.env.action_space.seed(0)
            found = []
            while len(found) < 24:
                episodes = batch.step(batch.env.action_space.sample()).episodes
                found += [] if episodes is None else list(zip(episodes.returns, episodes.lengths, strict=True))
            results.append(np.array(found))
        ours, theirs = results
        spread = np.sqrt(ours.var(0) / len(ours) + theirs.var(0) / len(theirs))
        assert (np.abs(ours.mean(0) - theirs.mean(0)) < 4 * spread).all()

    def test_sb3_learns_from_lives_and_clipped_rewards_and_episodes_are_whole_games(self):
        from sandlot.agents.sb3.envs import LoggedVecEnv, make_envs
        from sandlot.agents.training import EpisodeLogger

        metric_logger, rng, ends = EpisodeLogger(), np.random.default_rng(0), 0
        envs = LoggedVecEnv(make_envs("dummy", 1, EnvSpec("ALE/Breakout-v5")), metric_logger)
        envs.seed(1)
        envs.reset()
        while not metric_logger.returns:
            _, reward, done, _ = envs.step(rng.integers(4, size=1))
            ends += int(done[0])
            assert abs(reward[0]) <= 1
        assert ends == 5
        envs.close()

    def test_sticky_actions_have_a_single_option(self):
        with pytest.raises(SandlotError, match="option sticky_actions"):
            EnvSpec("ALE/Pong-v5", {"repeat_action_probability": 0.1}).batch(1)
        with pytest.raises(SandlotError, match="did you mean ALE/Pong-v5"):
            EnvSpec("ALE/Pogn-v5").single()


class Bounded(gymnasium.Env):
    """Acts in a Box that can't be rescaled."""

    observation_space = spaces.Box(0, 1, (1,))

    def __init__(self, kind: str):
        whole = kind == "integer"
        self.action_space = spaces.Box(0, 5, (2,), np.int64) if whole else spaces.Box(-np.inf, np.inf, (2,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        raise AssertionError("stepped")


gymnasium.register("tests/Bounded-v0", entry_point=Bounded, disable_env_checker=True)


@pytest.mark.parametrize(("kind", "needed"), [("integer", "continuous actions"), ("unbounded", "finite bounds")])
def test_actions_that_cant_be_rescaled_get_a_sentence_before_any_step(kind, needed):
    with pytest.raises(SandlotError, match=f"rescale_actions needs .*{needed}"):
        EnvSpec("tests/Bounded-v0", {"kind": kind}, wrappers=Wrappers(rescale_actions=True)).batch(1)
