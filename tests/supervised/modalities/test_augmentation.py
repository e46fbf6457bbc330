"""Changes of images, each of which does what its name says."""

from typing import get_args

import pytest
import torch

from sandlot.supervised.modalities.augmentation import Augmentation, augment_images
from sandlot.supervised.modalities.mixup import MIXUP_TARGET, MIXUP_WEIGHT, mix_rows
from sandlot.tracking import SandlotError

pytestmark = pytest.mark.shapes


def images(rows=64, height=16, width=16, channels=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(30, 226, (rows, channels, height, width), dtype=torch.uint8, generator=generator)


def changed(name, before, seed=0):
    torch.manual_seed(seed)
    return augment_images(before, [name])


def test_flip_mirrors_about_half_of_the_images():
    before = images()
    after = changed("flip", before).round().byte()
    same = (after == before).flatten(1).all(1)
    mirrored = (after == before.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 16 < int(mirrored.sum()) < 48


def test_crop_shifts_by_up_to_an_eighth_and_pads_with_black():
    before = images(height=16, width=24, channels=1)
    after = changed("crop", before).round().byte()
    wide = torch.nn.functional.pad(before, (3, 3, 2, 2))
    moves = set()
    for one, padded in zip(after, wide, strict=True):
        found = [(down, right) for down in range(5) for right in range(7)
                 if torch.equal(one, padded[:, down : down + 16, right : right + 24])]  # fmt: skip
        assert len(found) == 1
        moves.add(found[0])
    assert len(moves) > 15


def test_rotate_turns_by_up_to_15_degrees():
    before = torch.zeros(100, 1, 33, 33, dtype=torch.uint8)
    before[:, :, 15:18, :] = 255  # a line, of which the ends tell the angle
    after = changed("rotate", before)
    assert (after[:, 0, 16, 16] > 200).all()
    rows = torch.arange(33.0)
    ends = [
        (side * rows[:, None]).sum((1, 2)) / side.sum((1, 2)) for side in (after[:, 0, :, 26:29], after[:, 0, :, 4:7])
    ]
    angle = torch.rad2deg(torch.atan2(ends[1] - ends[0], torch.tensor(22.0)))
    assert angle.abs().max() < 16
    assert angle.min() < -10
    assert angle.max() > 10


def test_erase_blackens_a_rectangle_of_about_half_of_the_images():
    lost = changed("erase", images(200, 20, 20)) == 0
    share = lost.float().mean((1, 2, 3))
    assert 70 < int((share > 0).sum()) < 130
    assert share.max() < 0.25
    one = lost[share.argmax(), 0]
    assert one.sum() == one.any(0).sum() * one.any(1).sum()


def test_colour_jitter_is_up_to_a_fifth_each_way():
    before = torch.full((200, 1, 4, 4), 128, dtype=torch.uint8)
    after = changed("colour", before)[:, 0, 0, 0] / 255
    assert 0.22 < after.min() < 0.32
    assert 0.72 < after.max() < 0.86


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", get_args(Augmentation))
def test_augmentations_depend_on_the_seed_and_keep_the_pixel_range(name, channels):
    before = images(channels=channels)
    one, again, other = (changed(name, before, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == before.shape
    assert 0 <= one.min() <= one.max() <= 255.01


def test_no_augmentation_returns_the_images_unchanged():
    before = images()
    assert augment_images(before, ()) is before


def test_mixup_mixes_rows_by_one_weight():
    torch.manual_seed(0)
    batch = {"table": torch.arange(6.0)[:, None], "target": torch.arange(6)}
    after = mix_rows(batch, 1.0)
    share = after[MIXUP_WEIGHT]
    expected = share * after["target"] + (1 - share) * after[MIXUP_TARGET]
    torch.testing.assert_close(after["table"][:, 0], expected)
    with pytest.raises(SandlotError, match="--mixup is for images and tables"):
        mix_rows({"tokens": torch.zeros(3, 2, dtype=torch.int64), "target": torch.zeros(3)}, 1.0)
