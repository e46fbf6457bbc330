"""Changes of images, each of which does what its name says."""

import math

import pytest
import torch

from supervised.augment import AUGMENTATIONS, augmented, erase, flip, rotate, shifted, turned
from supervised.mixup import OTHER, SHARE, mixed
from tracking import SandlotError


def images(rows=64, height=8, width=8):
    return 255 * torch.rand(rows, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_a_flip_is_a_flip():
    torch.manual_seed(0)
    before = images()
    after = flip(before)
    same = (after == before).flatten(1).all(1)
    mirrored = (after == before.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 16 < int(mirrored.sum()) < 48


def test_an_image_is_moved_by_as_many_pixels_as_asked_for():
    before = images(2)
    after = shifted(before, torch.tensor([2, 0]), torch.tensor([0, -1]))
    assert torch.equal(after[0, :, 2:], before[0, :, :-2])
    assert not after[0, :, :2].any()
    assert torch.equal(after[1, :, :, :-1], before[1, :, :, 1:])
    assert not after[1, :, :, -1].any()


def test_an_image_is_turned_by_the_angle_asked_for():
    before = images(1)
    quarter = turned(before, torch.tensor([math.pi / 2]))
    torch.testing.assert_close(quarter, before.rot90(1, (2, 3)), atol=0.05, rtol=0)
    torch.testing.assert_close(turned(before, torch.tensor([0.0])), before, atol=1e-2, rtol=0)


def test_about_half_of_the_images_lose_a_rectangle():
    torch.manual_seed(0)
    lost = erase(images(200, 20, 20) + 1) == 0
    share = lost.float().mean((1, 2, 3))
    assert 70 < int((share > 0).sum()) < 130
    assert share.max() < 0.25
    one = lost[share.argmax(), 0]
    assert one.sum() == one.any(0).sum() * one.any(1).sum()


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_same_seed_same_change_and_pixels_stay_pixels(name):
    def changed(seed):
        torch.manual_seed(seed)
        return augmented(images().byte(), [name])

    assert torch.equal(changed(1), changed(1))
    assert not torch.equal(changed(1), changed(2))
    assert changed(1).shape == images().shape
    assert 0 <= changed(1).min() <= changed(1).max() <= 255.01


def test_no_change_leaves_the_bytes():
    before = images().byte()
    assert augmented(before, ()) is before
    assert rotate(images()).dtype == torch.float32


def test_rows_are_mixed_with_others_by_one_share():
    torch.manual_seed(0)
    batch = {"table": torch.arange(6.0)[:, None], "target": torch.arange(6)}
    after = mixed(batch, 1.0)
    share = after[SHARE]
    expected = share * after["target"] + (1 - share) * after[OTHER]
    torch.testing.assert_close(after["table"][:, 0], expected)
    with pytest.raises(SandlotError, match="--mixup is for images and tables"):
        mixed({"tokens": torch.zeros(3, 2, dtype=torch.int64), "target": torch.zeros(3)}, 1.0)
