"""Random image augmentations, with kornia, on the device of the images.

Each image of a batch is augmented on its own, with torch's random numbers.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from sandlot.tracking import SandlotError

Augmentation = Literal["crop", "flip", "rotate", "erase", "colour"]
Images = Float[Tensor, "row channel height width"]
EXTRA = "--augment needs the package `kornia`: pip install 'sandlot[augment]'"


def augment_images(images: Tensor, names: Sequence[Augmentation]) -> Tensor:
    """Return `images`, with pixels between 0 and 255, after the augmentations called `names`."""
    if not names:
        return images
    scaled = images.float() / 255
    for name in names:
        scaled = augmentation(name, images.shape[2], images.shape[3])(scaled)
    return 255 * scaled


@cache
def augmentation(name: Augmentation, height: int, width: int) -> Callable[[Tensor], Tensor]:
    """Return the augmentation called `name` for images of a size, with pixels between 0 and 1."""
    try:
        import kornia.augmentation as kornia
    except ImportError as error:
        raise SandlotError(EXTRA) from error
    match name:
        case "crop":  # zero-padded by an eighth of each side (He et al., 2016, section 4.2)
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
