"""Target columns: classes or numbers."""

from .class_target import ClassTarget
from .number_target import NumberTarget
from .target import TARGET, TARGET_NAMES, Target, default_target_column

__all__ = ["TARGET", "TARGET_NAMES", "ClassTarget", "NumberTarget", "Target", "default_target_column"]
