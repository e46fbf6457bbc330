"""The replay memory: what each row led to, whichever way episodes restart; frames once; draws by priority."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents.buffers.prioritized import FAN, PrioritizedSampler, SumTree, importance_weights
from sandlot.agents.buffers.replay import ReplayBuffer
from sandlot.agents.buffers.storage import ArrayStorage, FrameStackStorage
from sandlot.envs import Step, make, tree_leaves
from tests.environments import Counter

INT = np.dtype(np.int64)


def step(observation: Any, reward=0.0, terminated=False, truncated=False, valid=True, episode_start=False) -> Step:
    """Return a step of one environment."""
    ends = (np.array([terminated]), np.array([truncated]), np.array([valid]), np.array([episode_start]))
    return Step(observation, observation, np.array([reward]), *ends, None)


def seen(number: float) -> np.ndarray:
    return np.array([[number]], np.float32)


def story() -> ReplayBuffer:
    """Two episodes: 0 -1-> 1 -2-> 2 -4-> 3 (terminated); 10 -8-> 11 -16-> 12 (truncated); 20, not acted on yet."""
    replay = ReplayBuffer(20, (), INT)
    replay.reset(seen(0))
    for arrival in (
        step(seen(1), 1), step(seen(2), 2), step(seen(3), 4, terminated=True),
        step(seen(10), valid=False, episode_start=True),
        step(seen(11), 8), step(seen(12), 16, truncated=True),
        step(seen(20), valid=False, episode_start=True),
    ):  # fmt: skip
        replay.add(np.array([0]), arrival)
    return replay


@pytest.mark.parametrize(
    ("n_step", "row", "reward", "discount", "arrival"),
    [
        (1, 0, 1, 0.5, 1),
        (1, 2, 4, 0, 3),  # nothing follows a terminated episode
        (1, 5, 16, 0.5, 12),  # a truncated one would have gone on from its final observation
        (2, 0, 1 + 0.5 * 2, 0.25, 2),
        (2, 1, 2 + 0.5 * 4, 0, 3),
        (3, 4, 8 + 0.5 * 16, 0.25, 12),  # two steps are left
        (9, 0, 1 + 0.5 * 2 + 0.25 * 4, 0, 3),
    ],
)
def test_what_a_row_led_to_by_hand(n_step, row, reward, discount, arrival):
    found = story().transitions(np.array([row]), 0.5, n_step)
    assert found.reward.item() == reward
    assert found.discount.item() == discount
    assert found.next_observation.item() == arrival


def test_a_new_segment_cuts_episodes_as_a_time_limit_would():
    replay = story()
    replay.add(np.array([0]), step(seen(21), 32))
    replay.reset(seen(50))
    replay.add(np.array([0]), step(seen(51), 64))
    found = replay.transitions(np.array([7]), 0.5, 3)
    assert (found.reward.item(), found.discount.item(), found.next_observation.item()) == (32, 0.5, 21)
    assert 8 not in replay.sample(200, np.random.default_rng(0))


def played(mode: AutoresetMode, length: int, terminates: bool, steps: int = 40, capacity: int = 400) -> ReplayBuffer:
    batch = make(SyncVectorEnv([lambda: Counter(length, terminates)] * 2, autoreset_mode=mode))
    replay = ReplayBuffer(capacity, (), INT)
    replay.reset(batch.reset(0))
    for _ in range(steps):
        replay.add(np.zeros(2, int), batch.step(np.zeros(2, int)))
    return replay


@pytest.mark.parametrize("terminates", [True, False])
@pytest.mark.parametrize("n_step", [1, 3])
def test_every_way_of_restarting_gives_the_same_transitions(terminates: bool, n_step: int):
    def metadata(mode: AutoresetMode) -> set:
        replay = played(mode, 4, terminates)
        rows = np.flatnonzero(replay.valid.reshape(-1)[: 20 * 2])
        found = replay.transitions(rows, 0.5, n_step)
        columns = (found.observation, found.reward, found.discount, found.next_observation)
        rows = torch.stack([column.reshape(-1) for column in columns], 1)
        # What follows a terminated episode is not looked at.
        return {tuple(row[:3] if row[2] == 0 else row) for row in rows.tolist()}

    expected = metadata(AutoresetMode.NEXT_STEP)
    assert len(expected) > 10
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED):
        assert metadata(mode) >= expected


def test_every_step_is_as_likely_as_any_and_resets_are_never_drawn():
    replay = played(AutoresetMode.NEXT_STEP, 3, terminates=True, steps=50, capacity=40)
    valid = np.flatnonzero(replay.valid.reshape(-1))
    valid = [row for row in valid if row // 2 != replay.head]
    drawn = replay.sample(30_000, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=replay.rows)
    assert set(np.flatnonzero(counts)) == set(valid)
    expected = 30_000 / len(valid)
    assert np.abs(counts[valid] - expected).max() < 5 * expected**0.5


def test_sequences_are_the_rows_one_after_the_other():
    replay = played(AutoresetMode.NEXT_STEP, 4, terminates=False)
    rows = replay.sample(16, np.random.default_rng(1), length=9)
    found = replay.sequences(rows, 9, 0.5, n_step=2)
    for t in range(9):
        single = replay.transitions((rows + 2 * t) % replay.rows, 0.5, 2)
        counts = found.weight[t] > 0
        torch.testing.assert_close(found.observation[t], single.observation[0])
        torch.testing.assert_close(found.reward[t][counts], single.reward[0][counts])
        assert found.next_index is not None
        next_index = found.next_observation.gather(0, found.next_index[..., None])[t]
        torch.testing.assert_close(next_index[counts], single.next_observation[0][counts])
    assert (found.weight == 0).any(), "rows that only reset are there"
    assert found.episode_start[0].all()
    assert found.episode_start[1:].any()


class Stacks:
    """Frame stacks as Gymnasium makes them, two environments, episodes of different lengths."""

    def __init__(self, seed: int, stack: int = 4, size: int = 16):
        self.rng, self.shape = np.random.default_rng(seed), (2, stack, size, size)
        self.now = np.zeros(self.shape, np.uint8)

    def next(self, episode_start: np.ndarray) -> np.ndarray:
        fresh = self.rng.integers(0, 255, self.shape, dtype=np.uint8)
        self.now = np.concatenate([self.now[:, 1:], fresh[:, :1]], 1)
        self.now[episode_start] = fresh[episode_start]
        return self.now.copy()


def with_frames(steps: int, capacity: int) -> tuple[ReplayBuffer, list[np.ndarray]]:
    stacks, replay, history = Stacks(0), ReplayBuffer(capacity, (), INT), []
    history.append(stacks.next(np.array([True, True])))
    replay.reset(history[-1])
    for t in range(1, steps):
        episode_start = np.array([t % 7 == 0, t % 11 == 0])
        history.append(stacks.next(episode_start))
        none = np.zeros(2, bool)
        replay.add(
            np.zeros(2, int),
            Step(history[-1], history[-1], np.zeros(2), none, none, ~episode_start, episode_start, None),
        )
    return replay, history


@pytest.mark.parametrize("steps", [20, 33, 90])
def test_frames_are_kept_once_and_come_back_as_they_were(steps: int):
    replay, history = with_frames(steps, 60)
    assert isinstance(replay.observation, FrameStackStorage)
    rows = replay.sample(500, np.random.default_rng(0))
    found = replay.transitions(rows, 0.9)
    for index, row in enumerate(rows):
        slot, env = divmod(int(row), 2)
        age = (replay.head - slot) % replay.slots
        np.testing.assert_array_equal(found.observation[0, index].numpy(), history[-1 - age][env])
        np.testing.assert_array_equal(found.next_observation[0, index].numpy(), history[-age][env])
    whole = replay.slots * history[0].nbytes
    kept = replay.observation.frames.nbytes + sum(stack.nbytes for stack in replay.observation.full_stacks.values())
    assert kept < 0.5 * whole


def test_images_that_are_no_stacks_are_kept_whole():
    rng, replay = np.random.default_rng(0), ReplayBuffer(10, (), INT)
    images = rng.integers(0, 255, (3, 1, 3, 20, 20), dtype=np.uint8)
    replay.reset(images[0])
    for image in images[1:]:
        replay.add(np.array([0]), step(image))
    assert isinstance(replay.observation, ArrayStorage)
    np.testing.assert_array_equal(replay.transitions(np.array([0]), 0.9).next_observation[0].numpy(), images[1])


@pytest.mark.parametrize(
    "make_replay", [lambda: played(AutoresetMode.SAME_STEP, 4, False, 50, 60), lambda: with_frames(70, 60)[0]]
)
def test_what_is_saved_is_all_there_is(make_replay):
    replay = make_replay()
    other = ReplayBuffer(60, (), INT)
    like = next(tree_leaves(replay.observation)).take(np.array(0))
    other.load_state({name: array.copy() for name, array in replay.state().items()}, like)
    rows = [each.sample(64, np.random.default_rng(3)) for each in (replay, other)]
    np.testing.assert_array_equal(*rows)
    for one, two in zip(*(tree_leaves(each.transitions(rows[0], 0.9, 3)) for each in (replay, other)), strict=True):
        assert (one is None and two is None) or torch.equal(one, two)


class TestPriorities:
    def test_the_tree_draws_in_proportion(self):
        rng = np.random.default_rng(0)
        values = rng.random(FAN * FAN + 7) ** 3
        values[5:900] = 0.0
        tree = SumTree(len(values))
        tree.set(np.arange(len(values)), values)
        assert tree.total == pytest.approx(values.sum())
        drawn = tree.sample(200_000, rng)
        counts = np.bincount(drawn.rows, minlength=len(values))
        expected = 200_000 * values / values.sum()
        assert not counts[values == 0].any()
        assert np.abs(counts - expected).max() < 3, "one from each of equal shares leaves little to chance"
        np.testing.assert_allclose(drawn.probability, values[drawn.rows] / values.sum())

    def test_a_change_reaches_the_root(self):
        tree = SumTree(10_000)
        tree.set(np.array([3, 9_000]), np.array([1.0, 3.0]))
        tree.set(np.array([3]), np.array([0.0]))
        assert tree.total == 3.0
        assert set(tree.sample(50, np.random.default_rng(0)).rows) == {9_000}

    def test_the_papers_formulas(self):
        replay = story()
        priorities = PrioritizedSampler(replay, exponent=0.5)
        first = priorities.sample(64, np.random.default_rng(0))
        assert set(first.rows) == {0, 1, 2, 4, 5}, "what is new is drawn, resets are not"
        rows, errors = np.array([0, 1, 2, 4, 5]), np.array([1.0, 4.0, 9.0, 16.0, 25.0])
        priorities.update(rows, errors[None])
        drawn = priorities.sample(3_000, np.random.default_rng(0))
        expected = np.array([1, 2, 3, 4, 5]) / 15  # P(i) = p_i^alpha / sum of them, alpha = 1/2
        np.testing.assert_allclose([(drawn.rows == row).mean() for row in rows], expected, atol=1e-3)
        weights = importance_weights(expected, 0.7)  # w_i = (N P(i))^-beta / the greatest
        np.testing.assert_allclose(weights, (5 * expected) ** -0.7 / (5 * expected[0]) ** -0.7, rtol=1e-6)
        assert (importance_weights(expected, 0.0) == 1).all()

    def test_what_is_new_has_the_highest_priority_and_what_is_gone_has_none(self):
        replay = ReplayBuffer(6, (), INT)
        replay.reset(seen(0))
        priorities = PrioritizedSampler(replay, exponent=1.0)
        drawn, valid = np.zeros(0, int), set()
        for time in range(1, 30):
            replay.add(np.array([0]), step(seen(time), time))
            drawn = priorities.sample(256, np.random.default_rng(time)).rows
            valid = {row for row in range(replay.rows) if row != replay.head and replay.valid[row, 0]}
            assert set(drawn) <= valid
            newest = (replay.head - 1) % replay.slots
            assert priorities.tree.leaves[newest] == priorities.highest
            priorities.update(np.unique(drawn), np.full((1, len(np.unique(drawn))), float(time)))
        assert set(drawn) == valid
