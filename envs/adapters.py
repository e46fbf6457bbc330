"""Adapters: what an environment needs before networks and buffers can take its observations, actions and rewards.

JAX's arrays become NumPy's, texts become vectors, actions of several parts become one array, and rewards that are
vectors become numbers. An environment that needs none of this is returned as it is.
"""

import hashlib
import sys
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces

from sandlot.tracking import SandlotError

from .tree import tree_map

TEXT_WORDS, WORD_BITS = 20, 16
"""A text is read as this many words, each as a code of this many numbers."""
MOST_CHOICES = 1_000
"""Integers of a Box are choices if there are at most so many."""
READABLE = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
JAX = "jax"


def adapt(env: gymnasium.Env, name: str, reward_weights: tuple[float, ...] = ()) -> gymnasium.Env:
    """Return `env`, called `name`, with the adapters that it needs. Raises `SandlotError` where none fits."""
    if env.unwrapped.metadata is None:
        env.unwrapped.metadata = {}
    if runs_on_jax(env):
        env = ToNumPy(env)
    if has_text(env.observation_space):
        env = EncodeTexts(env)
    unreadable = _unreadable(env.observation_space)
    if unreadable is not None:
        raise SandlotError(
            f"{name} observes {type(unreadable).__name__} spaces, which no network here reads; "
            "a wrapper that makes arrays of them helps: --wrapper module:Class"
        )
    players = len(env.action_space) if isinstance(env.action_space, spaces.Tuple) else 0
    if isinstance(env.action_space, spaces.Tuple | spaces.Dict) or _is_integers(env.action_space):
        env = FlattenActions(env, name)
    count = reward_count(env)
    if reward_weights or count or players:
        env = WeighRewards(env, name, reward_weights, count, players)
    return env


def runs_on_jax(env: gymnasium.Env | gymnasium.vector.VectorEnv) -> bool:
    """Return whether `env` gives arrays of JAX, as its metadata say (Gymnasium's convention) or its first reset."""
    if (env.unwrapped.metadata or {}).get(JAX):
        return True
    own = type(env.unwrapped).__module__.startswith(("gymnasium.", "sandlot."))
    if JAX not in sys.modules or own or isinstance(env, gymnasium.vector.VectorEnv):
        return False
    observation, _ = env.reset(seed=0)
    return any(type(leaf).__module__.startswith(JAX) for leaf in _leaves(observation))


def to_numpy(tree: Any) -> Any:
    """Return `tree` with arrays of other libraries as NumPy arrays that can be written to."""
    return tree_map(
        lambda leaf: leaf if isinstance(leaf, np.ndarray | np.generic) else np.array(np.asarray(leaf)), tree
    )


class ToNumPy(gymnasium.Wrapper):
    """Give NumPy arrays, and numbers of Python's, where `env` gives another library's arrays."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return to_numpy(observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return to_numpy(observation), float(reward), bool(terminated), bool(truncated), info


class EncodeTexts(gymnasium.ObservationWrapper):
    """Read the texts in observations as vectors: each word has a random code of its own, the same for ever.

    The order of words is kept. Texts longer than `TEXT_WORDS` are cut. Where a space's texts have no blanks, the
    characters are the words.
    """

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        self.observation_space = _with_vectors(env.observation_space)
        self._texts = env.observation_space
        self._codes: dict[str, np.ndarray] = {}

    def observation(self, observation: Any) -> Any:
        return self._encoded(self._texts, observation)

    def _encoded(self, space: Space, observation: Any) -> Any:
        if isinstance(space, spaces.Dict):
            return {key: self._encoded(part, observation[key]) for key, part in space.items()}
        if isinstance(space, spaces.Tuple):
            return tuple(self._encoded(part, seen) for part, seen in zip(space, observation, strict=True))
        return self._vector(space, observation) if is_text(space) else observation

    def _vector(self, space: Space, text: str) -> np.ndarray:
        words = list(text) if " " not in getattr(space, "characters", " ") else text.lower().split()
        vector = np.zeros((TEXT_WORDS, WORD_BITS), np.float32)
        for place, word in enumerate(words[:TEXT_WORDS]):
            if word not in self._codes:
                bits = np.frombuffer(hashlib.sha256(word.encode()).digest()[: WORD_BITS // 8], np.uint8)
                self._codes[word] = 2.0 * np.unpackbits(bits).astype(np.float32) - 1.0
            vector[place] = self._codes[word]
        return vector.ravel()


class FlattenActions(gymnasium.ActionWrapper):
    """Take an action of several parts (Tuple, Dict) as one array; a Box of few integers is choices, too.

    Parts that are choices make a MultiDiscrete. If a part is a Box, all are numbers: a choice among n is then the
    greatest of n numbers in [-1, 1].
    """

    def __init__(self, env: gymnasium.Env, name: str):
        super().__init__(env)
        self._space = env.action_space
        self._parts = list(_leaves(env.action_space))
        for part in self._parts:
            if not isinstance(part, READABLE) or (isinstance(part, spaces.MultiDiscrete) and part.nvec.ndim != 1):
                raise SandlotError(f"{name} takes actions of the space {part}, which no agent here has")
        self._continuous = any(isinstance(part, spaces.Box) and not _is_integers(part) for part in self._parts)
        if self._continuous:
            low, high = zip(*map(_bounds, self._parts), strict=True)
            self.action_space = spaces.Box(np.concatenate(low), np.concatenate(high), dtype=np.float32)
        elif len(self._parts) == 1 and not _is_integers(self._parts[0]):
            self.action_space = self._parts[0]
        else:
            choices = np.concatenate([_choices(part) for part in self._parts])
            self.action_space = spaces.MultiDiscrete(choices) if len(choices) > 1 else spaces.Discrete(choices[0])

    def action(self, action: Any) -> Any:
        rest = np.atleast_1d(action)
        taken = []
        for part in self._parts:
            size = len(_bounds(part)[0]) if self._continuous else len(_choices(part))
            one, rest = rest[:size], rest[size:]
            taken.append(self._taken(part, one))
        return _filled(self._space, iter(taken))

    def _taken(self, part: Any, numbers: np.ndarray) -> Any:
        if _is_integers(part):
            if self._continuous:
                numbers = np.array([some.argmax() for some in np.split(numbers, np.cumsum(_choices(part))[:-1])])
            return (numbers.reshape(part.shape) + part.low).astype(part.dtype)
        if isinstance(part, spaces.Box):
            return np.clip(numbers.reshape(part.shape), part.low, part.high).astype(part.dtype)
        if isinstance(part, spaces.Discrete):
            if len(self._parts) == 1:
                return numbers[0]
            return part.dtype.type((numbers.argmax() if self._continuous else numbers[0]) + part.start)
        if isinstance(part, spaces.MultiBinary):
            return (numbers > 0).reshape(part.shape).astype(part.dtype)
        assert isinstance(part, spaces.MultiDiscrete)
        if self._continuous:
            numbers = np.array([some.argmax() for some in np.split(numbers, np.cumsum(part.nvec)[:-1])])
        return (numbers + part.start).astype(part.dtype)


class WeighRewards(gymnasium.Wrapper):
    """Make a number of a reward that is a vector: its entries by their weights, added up.

    Without weights, a team's rewards (one for each part of its joint action) are added up.
    """

    def __init__(self, env: gymnasium.Env, name: str, weights: tuple[float, ...], count: int, players: int):
        super().__init__(env)
        self._name, self._players = name, players
        self._weights = np.array(weights) if weights else None
        if count:
            self._check(count)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        if np.ndim(np.asarray(reward)) == 0 and self._weights is None:
            return observation, reward, terminated, truncated, info
        rewards = np.atleast_1d(np.asarray(reward, np.float64)).ravel()
        if self._weights is None and len(rewards) == self._players:
            total = rewards.sum()
        else:
            total = float(self._check(len(rewards)) @ rewards)
        # Teams may tell for each player whether it is done, with lists.
        return observation, float(total), bool(np.all(terminated)), bool(np.all(truncated)), info

    def _check(self, count: int) -> np.ndarray:
        if self._weights is None:
            raise vector_rewards(self._name, count)
        if len(self._weights) != count:
            raise SandlotError(f"{self._name} gives {count} rewards at a time, so --reward-weights must be {count} "
                               f"numbers, not {len(self._weights)}")  # fmt: skip
        return self._weights


def vector_rewards(name: str, count: int) -> SandlotError:
    """Return the error that says what to do about rewards that are vectors."""
    equal = " ".join([f"{1 / count:.3g}"] * count)
    return SandlotError(f"{name} gives {count} rewards at a time, and an agent learns from one: "
                        f"say how much each counts, such as --reward-weights {equal}")  # fmt: skip


def reward_count(env: gymnasium.Env) -> int:
    """Return how many rewards a step of `env` gives, if it says so as mo-gymnasium's environments do; else 0."""
    space = getattr(env.unwrapped, "reward_space", None)
    shape = getattr(space, "shape", None)
    if not shape or any(_gives_numbers(layer) for layer in _layers(env)):
        return 0
    return int(np.prod(shape))


def is_text(space: Space) -> bool:
    """Return whether elements of `space` are strings."""
    return isinstance(space, spaces.Text) or space.dtype == np.dtype(str)


def has_text(space: Space) -> bool:
    """Return whether there are texts in observations of `space`."""
    return any(is_text(leaf) for leaf in _leaves(space))


def _unreadable(space: Space) -> Space | None:
    return next((leaf for leaf in _leaves(space) if not isinstance(leaf, READABLE)), None)


def _with_vectors(space: Space) -> Space:
    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: _with_vectors(part) for key, part in space.items()})
    if isinstance(space, spaces.Tuple):
        return spaces.Tuple([_with_vectors(part) for part in space])
    return spaces.Box(-1, 1, (TEXT_WORDS * WORD_BITS,), np.float32) if is_text(space) else space


def _leaves(tree: Any) -> Any:
    """Yield the leaves of a space, or of an element of one."""
    if isinstance(tree, spaces.Dict | dict):
        for part in tree.values():
            yield from _leaves(part)
    elif isinstance(tree, spaces.Tuple | tuple):
        for part in tree:
            yield from _leaves(part)
    else:
        yield tree


def _filled(space: Space, leaves: Any) -> Any:
    """Return an element of `space` with the given leaves, in order."""
    if isinstance(space, spaces.Dict):
        return {key: _filled(part, leaves) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_filled(part, leaves) for part in space)
    return next(leaves)


def _choices(space: Any) -> np.ndarray:
    """Return the number of choices of each entry of a discrete space."""
    if isinstance(space, spaces.Discrete):
        return np.array([space.n])
    if isinstance(space, spaces.Box):
        return (space.high.astype(np.int64) - space.low + 1).ravel()
    return np.full(int(np.prod(space.shape)), 2) if isinstance(space, spaces.MultiBinary) else space.nvec


def _is_integers(space: Any) -> bool:
    """Return whether `space` is a Box of integers with so few values that each can be a choice."""
    integers = isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.integer) and space.is_bounded()
    return integers and bool((space.high.astype(np.int64) - space.low < MOST_CHOICES).all())


def _bounds(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the numbers that stand for an element of `space`."""
    if isinstance(space, spaces.Box) and not _is_integers(space):
        return space.low.ravel().astype(np.float32), space.high.ravel().astype(np.float32)
    size = int(np.prod(space.shape)) if isinstance(space, spaces.MultiBinary) else int(_choices(space).sum())
    return np.full(size, -1, np.float32), np.full(size, 1, np.float32)


def _layers(env: Any) -> Any:
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def _gives_numbers(layer: Any) -> bool:
    """Return whether a wrapper makes one number of vector rewards, as mo-gymnasium's do."""
    return type(layer).__name__ in ("LinearReward", "ScalarReward", "WeighRewards")
