"""Sides of images that are halved again and again, and doubled back."""

SMALLEST_SIDE = 4
"""Pixels a side that a map keeps at least."""


def pyramid(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """Return the sizes of maps that are halved at most `levels` times, rounded up, the full one first.

    No map is halved below the smallest side, so small images have fewer levels.
    """
    sizes = [(height, width)]
    while len(sizes) <= levels and min(sizes[-1]) >= 2 * SMALLEST_SIDE - 1:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def halving_kernel(size: tuple[int, int]) -> tuple[int, int]:
    """Return the kernel that, with a stride of 2 and a padding of 1, halves maps of `size`, or doubles back to it."""
    return 4 - size[0] % 2, 4 - size[1] % 2
