import gymnasium
import numpy as np
import pytest


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
