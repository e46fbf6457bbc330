"""Nested structures of arrays: an observation is an array, or a dict or tuple of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np


def tree_map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply `function` to each leaf of `tree` (and the matching leaves of `rest`), keeping the structure."""
    if isinstance(tree, dict):
        return {key: tree_map(function, tree[key], *(other[key] for other in rest)) for key in tree}
    if isinstance(tree, tuple):
        parts = [tree_map(function, *leaves) for leaves in zip(tree, *rest, strict=True)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return function(tree, *rest)


def tree_leaves(tree: Any) -> Iterator[Any]:
    """Yield the leaves of `tree`, in order."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from tree_leaves(value)
    elif isinstance(tree, tuple):
        for value in tree:
            yield from tree_leaves(value)
    else:
        yield tree


def tree_stack(trees: Sequence[Any]) -> Any:
    """Return trees of the same structure as one, with a new first axis."""
    return tree_map(lambda *leaves: np.stack(leaves), trees[0], *trees[1:])
