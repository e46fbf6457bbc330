"""Where and how a module computes: device, threads, precision."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from sandlot.tracking import SandlotError

Precision = Literal["auto", "float32", "tf32", "bfloat16"]
LARGE_PARAMETERS = 500_000
"""Parameters from which a module's arithmetic outweighs the calls that start it."""
GPU_WORK = 4_000_000
"""Parameters times rows of a batch from which a gradient step is faster on a GPU than on a CPU core."""


def is_large(*modules: nn.Module) -> bool:
    """Return whether the arithmetic of the modules outweighs the calls that start it."""
    convolves = any(isinstance(part, nn.Conv2d) for module in modules for part in module.modules())
    return convolves or parameter_count(*modules) >= LARGE_PARAMETERS


def parameter_count(*modules: nn.Module) -> int:
    """Return the number of parameters that take gradients."""
    return sum(parameter.numel() for module in modules for parameter in module.parameters() if parameter.requires_grad)


def choose_device(name: str, *modules: nn.Module, batch_size: int = 1) -> torch.device:
    """Return the device called `name`, or for "auto" the one on which the modules learn fastest.

    On a GPU, small networks and batches spend more time on starting kernels than a CPU spends on the arithmetic,
    so "auto" takes it only if `modules` with `batch_size` rows are enough work. Give all that must share a device;
    without any, "auto" is a GPU if there is one.
    """
    if name == "auto":
        work = not modules or is_large(*modules) or parameter_count(*modules) * batch_size >= GPU_WORK
        name = "cuda" if torch.cuda.is_available() and work else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SandlotError(f"this machine has no device {name!r}; try --device auto") from error
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread: sums over several depend, in the last bit, on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def arithmetic_context(
    precision: Precision, device: torch.device, large: bool
) -> Callable[[], AbstractContextManager[Any]]:
    """Return what makes the context in which losses are computed, and what is compared with them should be too.

    bfloat16 has float32's range, so gradients need no scaling.
    """
    if device.type == "cuda":
        # float32 means float32: TF32 rounds the factors of products to 10 bits, which cuDNN does unless told not to.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    if precision == "auto":
        able = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bfloat16" if large and able else "float32"
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise SandlotError("this GPU has no bfloat16; leave --precision to auto, or take float32")
    return partial(torch.autocast, device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext
