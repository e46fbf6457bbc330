"""Images become grey and smaller whatever their channels, numbers and place; masks stay what they are."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import PPO
from sandlot.envs import EnvSpec, Wrappers
from sandlot.envs.frame_stack import stack, stacked_space
from sandlot.envs.images import image_transform
from sandlot.tracking import SandlotError

pytest.importorskip("cv2", reason="OpenCV is not installed")

RED, BLUE = 200, 90


def picture(kind: str) -> tuple[spaces.Box, np.ndarray]:
    """Return a space, and a picture that is red, and blue in its upper half too."""
    pixels = np.zeros((96, 64, 3), np.uint8)
    pixels[..., 0] = RED
    pixels[:48, :, 2] = BLUE
    match kind:
        case "first":
            pixels = np.moveaxis(pixels, -1, 0)
        case "rgba":
            pixels = np.concatenate([pixels, np.full((96, 64, 1), 255, np.uint8)], -1)
        case "one":
            pixels = pixels[..., :1]
        case "flat":
            pixels = pixels[..., 0]
        case "unit":
            return spaces.Box(0, 1, pixels.shape, np.float32), (pixels / 255).astype(np.float32)
        case "integer":
            return spaces.Box(0, 255, pixels.shape, np.int64), pixels.astype(np.int64)
    return spaces.Box(0, 255, pixels.shape, np.uint8), pixels


KINDS = ("last", "first", "rgba", "one", "flat", "unit", "integer")


@pytest.mark.parametrize("kind", KINDS)
def test_resizing_keeps_the_channels_apart(kind):
    space, pixels = picture(kind)
    made = image_transform(space, grey=False, size=48)
    small = made.apply(pixels)
    assert made.space.contains(small), (made.space, small.dtype, small.shape)
    expected = {"first": (3, 48, 48), "rgba": (48, 48, 4), "one": (48, 48, 1), "flat": (48, 48)}.get(kind, (48, 48, 3))
    assert small.shape == expected
    red = small[0] if kind == "first" else small if kind == "flat" else small[..., 0]
    assert np.allclose(red, RED / (255 if kind == "unit" else 1))


@pytest.mark.parametrize("kind", KINDS)
def test_grey_images_have_no_channels(kind):
    space, pixels = picture(kind)
    made = image_transform(space, grey=True, size=0)
    small = made.apply(pixels)
    assert made.space.contains(small)
    assert small.shape == (96, 64)
    below = RED if kind in ("one", "flat") else int(RED * 0.2125)
    assert small[-1, 0] == pytest.approx(below / (255 if kind == "unit" else 1), abs=0.01)


def test_grey_bytes_are_those_of_gymnasiums_wrapper():
    space, pixels = picture("last")

    class Still(gymnasium.Env):
        observation_space = space

        def reset(self, *, seed=None, options=None):
            return pixels, {}

    theirs = gymnasium.wrappers.ResizeObservation(gymnasium.wrappers.GrayscaleObservation(Still()), (20, 20))
    np.testing.assert_array_equal(image_transform(space, grey=True, size=20).apply(pixels), theirs.reset()[0])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((40, 40, 2), "needs images of red, green and blue"),
        ((4, 40, 40), "four frames or one with an alpha channel"),
        ((4, 40, 40, 3), "needs single images"),
        ((9,), "grey or resize needs images"),
    ],
)
def test_what_cant_be_grey_gets_a_sentence(shape, message):
    with pytest.raises(SandlotError, match=message):
        image_transform(spaces.Box(0, 255, shape, np.uint8), grey=True, size=0)


class Seen(gymnasium.Env):
    """Shows a picture beside a number, and perhaps which of two actions is legal: always the first."""

    action_space = spaces.Discrete(2)

    def __init__(self, masked: bool = False):
        self.camera, self.pixels = picture("last")
        mask = {"action_mask": spaces.Box(0, 1, (2,), np.int8)} if masked else {}
        self.observation_space = spaces.Dict({"camera": self.camera, "speed": spaces.Discrete(3), **mask})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self._show(), {}

    def step(self, action):
        assert action == 0 or "action_mask" not in self.observation_space.spaces
        self.time += 1
        return self._show(), 1.0, False, self.time >= 8, {}

    def _show(self):
        seen = {"camera": self.pixels, "speed": np.int64(self.time % 3), "action_mask": np.array([1, 0], np.int8)}
        return {key: seen[key] for key in self.observation_space.spaces}


gymnasium.register("tests/Seen-v0", entry_point=Seen, disable_env_checker=True)


@pytest.mark.parametrize("masked", [False, True])
def test_parts_of_a_dict_are_resized_made_grey_and_stacked(masked):
    env_spec = EnvSpec("tests/Seen-v0", {"masked": masked}, wrappers=Wrappers(grey=True, resize=40, frame_stack=2))
    env = env_spec.single()
    assert env.observation_space["camera"] == spaces.Box(0, 255, (2, 40, 40), np.uint8)
    assert env.observation_space["speed"] == spaces.MultiDiscrete([3, 3])
    env.reset(seed=0)
    seen, *_ = env.step(0)
    assert env.observation_space.contains(seen)
    assert seen["speed"].tolist() == [0, 1]
    if masked:
        assert seen["action_mask"].tolist() == [1, 0]
    PPO(env_spec, num_envs=2, num_steps=8, batch_size=16, epochs=1).learn(16)


@pytest.mark.parametrize(
    "space",
    [
        spaces.MultiDiscrete([2, 3], dtype=np.int32, start=[1, 0]),
        spaces.Tuple((spaces.Discrete(3, start=2), spaces.MultiBinary(4))),
        spaces.Dict(a=spaces.Box(-1, 1, (2, 2)), b=spaces.Text(4)),
    ],
    ids=str,
)
def test_stacks_of_any_space_are_in_theirs(space):
    space.seed(0)
    assert stacked_space(space, 3).contains(stack(space, [space.sample() for _ in range(3)]))
