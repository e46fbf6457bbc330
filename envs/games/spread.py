"""A vectorized simple_spread from MPE.

The agents should cover as many landmarks as there are agents without colliding. The physics is that of
Mordatch & Abbeel, "Emergence of grounded compositional language in multi-agent populations", 2018, as in `mpe2`'s
`simple_spread_v3` with full observability and discrete actions.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Float, Float32, Int

from sandlot.envs.vector import TRANSITION_INFO, TransitionInfo

TIME, DAMPING, PUSH = 0.1, 0.25, 5.0
SIZE, MARGIN, FORCE = 0.15, 1e-3, 1e2
PUSHES = PUSH * np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]], float)
"""Force of each action: none, left, right, down, up."""
OPTIONS = ("N", "local_ratio", "max_cycles")
"""Options of simple_spread that are supported here."""


class Spread(VectorEnv):
    """`num_games` games with `N` agents each; each row is an agent, and the rows of a game are adjacent."""

    def __init__(self, num_games: int, N: int = 3, local_ratio: float = 0.5, max_cycles: int = 25):  # noqa: N803
        self.num_games, self.agents, self.local_ratio, self.max_cycles = num_games, N, local_ratio, max_cycles
        self.num_envs = num_games * N
        self.groups = [tuple(f"agent_{index}" for index in range(N))]
        self.game = np.repeat(np.arange(num_games), N)
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (4 + 2 * N + 4 * (N - 1),), np.float32)
        self.single_action_space = spaces.Discrete(len(PUSHES))
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.position, self.velocity, self.landmark = (np.zeros((num_games, N, 2)) for _ in range(3))
        self.cycle = 0
        self._others = np.array([[other for other in range(N) if other != one] for one in range(N)], int)
        self._all = np.ones(self.num_envs, bool)
        self.rng = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self._scatter()
        return self.observe(), {}

    def step(self, actions: Int[np.ndarray, "row"]) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        self._move(PUSHES[actions].reshape(self.position.shape))
        reward = self._reward().reshape(-1)
        self.cycle += 1
        observation = final = self.observe()
        done = np.full(self.num_envs, self.cycle >= self.max_cycles)
        if done[0]:
            self._scatter()
            observation = self.observe()
        nothing = np.zeros(self.num_envs, bool)
        return observation, reward, nothing, done, {TRANSITION_INFO: TransitionInfo(final, self._all, done)}

    def observe(self) -> Float32[np.ndarray, "row feature"]:
        """Return each agent's velocity, position, and the relative positions of landmarks and other agents."""
        here = self.position[:, :, None]
        marks = self.landmark[:, None] - here
        others = self.position[:, self._others] - here
        shape = (self.num_games, self.agents, -1)
        communication = np.zeros((self.num_games, self.agents, 2 * (self.agents - 1)))
        parts = [self.velocity, self.position, marks.reshape(shape), others.reshape(shape), communication]
        return np.concatenate(parts, -1).reshape(self.num_envs, -1).astype(np.float32)

    def _scatter(self) -> None:
        self.position, self.landmark = self.rng.uniform(-1, 1, (2, *self.position.shape))
        self.velocity = np.zeros_like(self.position)
        self.cycle = 0

    def _move(self, force: Float[np.ndarray, "game agent 2"]) -> None:
        """Apply the agents' forces and the contact forces between them, and integrate."""
        offset = self.position[:, :, None] - self.position[:, None]
        distance = self._distances(offset) + np.eye(self.agents)
        overlap = np.logaddexp(0, -(distance - 2 * SIZE) / MARGIN) * MARGIN
        force = force + (FORCE * offset / distance[..., None] * overlap[..., None]).sum(2)
        self.position = self.position + self.velocity * TIME
        self.velocity = self.velocity * (1 - DAMPING) + force * TIME

    def _reward(self) -> Float[np.ndarray, "game agent"]:
        """Return the shared reward for covered landmarks, mixed with each agent's penalty for collisions."""
        uncovered = self._distances(self.position[:, :, None] - self.landmark[:, None]).min(1).sum(1)
        near = self._distances(self.position[:, :, None] - self.position[:, None]) < 2 * SIZE
        collisions = near.sum(2) - 1
        return -(1 - self.local_ratio) * uncovered[:, None] - self.local_ratio * collisions

    def _distances(self, between: Float[np.ndarray, "game one other 2"]) -> Float[np.ndarray, "game one other"]:
        return np.sqrt(np.square(between).sum(-1))
