"""Worlds: environments made, batched and filmed."""

from . import memory
from .film import Film
from .masks import MASK, REST, choices, has_mask, with_mask
from .source import Source
from .spaces import space_from_json, space_to_json
from .tables import Table, TableEnv, read_table, table_from
from .tree import tree_leaves, tree_map
from .vector import EnvBatch, Episodes, Observation, Step
from .world import World, make

memory.register()

__all__ = [
    "MASK",
    "REST",
    "EnvBatch",
    "Episodes",
    "Film",
    "Observation",
    "Source",
    "Step",
    "Table",
    "TableEnv",
    "World",
    "choices",
    "has_mask",
    "make",
    "read_table",
    "space_from_json",
    "space_to_json",
    "table_from",
    "tree_leaves",
    "tree_map",
    "with_mask",
]
