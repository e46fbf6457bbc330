"""Sizes of feature maps that are halved repeatedly, or doubled back."""

SMALLEST_SIDE = 4
"""Feature maps are not halved below this many pixels a side."""


def pyramid(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """Return the sizes of feature maps halved at most `levels` times, rounded up, from the full size on.

    No map is halved below the smallest side, so small images have fewer levels.
    """
    sizes = [(height, width)]
    while len(sizes) <= levels and min(sizes[-1]) >= 2 * SMALLEST_SIDE - 1:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def halving_kernel(size: tuple[int, int]) -> tuple[int, int]:
    """Return the kernel that halves maps of `size` with stride 2 and padding 1; transposed, it doubles back to it."""
    return 4 - size[0] % 2, 4 - size[1] % 2
