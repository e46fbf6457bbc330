"""Environments: making, vectorizing and rendering them."""

from .action_masks import MASK, REST, choices, chosen, has_mask, mask_rows, with_mask
from .action_names import action_names
from .backends.tabular import TabularVectorEnv, TransitionTable, read_table, table_from
from .backends.vectorize import available_cores
from .description import Backend
from .factory import EnvFactory, check_num_envs
from .frames import (
    SECONDS_WITHOUT_LIMIT,
    Act,
    EpisodeFrame,
    Frame,
    frames_per_second,
    render_episode,
    render_frame,
    run_headless,
)
from .images import ImageLayout, image_layout, is_bytes, white
from .registry import newest_version, wrappers_for
from .space_json import space_from_json, space_to_json
from .spec import EnvSpec, make
from .toys import catch, memory
from .tree import tree_leaves, tree_map
from .vector import EnvBatch, Episodes, Observation, Step
from .wrappers import Wrappers

catch.register()
memory.register()

__all__ = [
    "MASK",
    "REST",
    "SECONDS_WITHOUT_LIMIT",
    "Act",
    "Backend",
    "EnvBatch",
    "EnvFactory",
    "EnvSpec",
    "EpisodeFrame",
    "Episodes",
    "Frame",
    "ImageLayout",
    "Observation",
    "Step",
    "TabularVectorEnv",
    "TransitionTable",
    "Wrappers",
    "action_names",
    "available_cores",
    "check_num_envs",
    "choices",
    "chosen",
    "frames_per_second",
    "has_mask",
    "image_layout",
    "is_bytes",
    "make",
    "mask_rows",
    "newest_version",
    "read_table",
    "render_episode",
    "render_frame",
    "run_headless",
    "space_from_json",
    "space_to_json",
    "table_from",
    "tree_leaves",
    "tree_map",
    "white",
    "with_mask",
    "wrappers_for",
]
