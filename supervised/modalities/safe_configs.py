"""What the config of a stranger's pretrained model may say: sizes and options, never code or places to load from."""

import re
from collections.abc import Mapping
from typing import Any

from sandlot.tracking import SandlotError

ELSEWHERE = {
    "auto_map", "custom_pipelines", "trust_remote_code", "attn_implementation", "experts_implementation",
    "quantization_config", "quantization", "backbone", "use_pretrained_backbone", "use_timm_backbone",
    "name_or_path", "adapter_kwargs", "dtype", "torch_dtype", "architectures", "kernel_config", "use_kernels",
}  # fmt: skip
"""Options of transformers that name code, kernels or other models, or that only loading needs."""
WRAPPERS = ("timm_wrapper", "timm_backbone", "upernet", "auto")
"""Kinds of models that fetch another one by its name."""
NOT_FOR_TIMM = {
    "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir", "scriptable",
    "exportable", "no_jit", "model_name", "features_only", "pretrained_strict", "pretrained_filter_fn",
}  # fmt: skip


def transformers_config(transformers: Any, options: Mapping[str, Any]) -> Any:
    """Return the config of transformers that `options` describe, with none but the library's own options for it."""
    kind = options.get("model_type")
    known = transformers.models.auto.configuration_auto.CONFIG_MAPPING_NAMES
    if not isinstance(kind, str) or kind not in known or kind in WRAPPERS:
        raise SandlotError(f"the model_type {kind!r} is none that transformers has; code beside a model is never run")
    own = transformers.AutoConfig.for_model(kind).to_dict()
    return transformers.AutoConfig.for_model(
        kind, **{key: _plain(options[key]) for key in own if _is_plain(key, options)}
    )


def _is_plain(key: str, options: Mapping[str, Any]) -> bool:
    return key in options and key not in ELSEWHERE and key != "model_type" and not key.startswith("_")


def _plain(value: Any) -> Any:
    """Return `value` without the options in it that configs of parts must not have either."""
    if not isinstance(value, dict):
        return value
    return {key: _plain(part) for key, part in value.items() if key not in ELSEWHERE and not str(key).startswith("_")}


def check_timm(architecture: Any, arguments: Any) -> None:
    """Raise `SandlotError` unless a name and arguments for timm make a model of its own, and load nothing."""
    if not isinstance(architecture, str) or not re.fullmatch(r"\w+(\.\w+)?", architecture):
        raise SandlotError(f"the architecture {architecture!r} is not the name of a timm model")
    if not isinstance(arguments, dict):
        raise SandlotError("the model_args of a timm model must be an object")
    for name in arguments:
        if name in NOT_FOR_TIMM:
            raise SandlotError(f"the model_args of a timm model must not say {name!r}")
