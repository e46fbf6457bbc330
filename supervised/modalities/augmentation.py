"""Random changes of images that leave what they show, by kornia, on whatever device the images are.

Each image of a batch is changed in its own way, with torch's random numbers.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from sandlot.tracking import SandlotError

Augmentation = Literal["crop", "flip", "rotate", "erase", "colour"]
Images = Float[Tensor, "row channel height width"]
EXTRA = "--augment needs the package `kornia`: pip install 'sandlot[augment]'"


def augmented(images: Tensor, names: Sequence[Augmentation]) -> Tensor:
    """Return `images`, with pixels between 0 and 255, after the changes called `names`."""
    if not names:
        return images
    changed = images.float() / 255
    for name in names:
        changed = change(name, images.shape[2], images.shape[3])(changed)
    return 255 * changed


@cache
def change(name: Augmentation, height: int, width: int) -> Any:
    """Return what changes images of a size, with pixels between 0 and 1, as `name` says."""
    try:
        import kornia.augmentation as kornia
    except ImportError as error:
        raise SandlotError(EXTRA) from error
    match name:
        case "crop":  # moved by up to an eighth of their sides; what comes in is black (He et al., 2016, section 4.2)
            return kornia.RandomCrop((height, width), padding=(round(width / 8), round(height / 8)))
        case "flip":
            return kornia.RandomHorizontalFlip(p=0.5)
        case "rotate":
            return kornia.RandomRotation(15.0, p=1.0)
        case "erase":  # Zhong et al., "Random erasing", 2020
            return kornia.RandomErasing(scale=(0.02, 0.2), ratio=(1 / 3, 3.0), p=0.5)
        case "colour":
            brightness, contrast = kornia.RandomBrightness((0.8, 1.2), p=1.0), kornia.RandomContrast((0.8, 1.2), p=1.0)
            return lambda images: contrast(brightness(images))
