"""The one gradient step. Agents, generative models and classifiers all learn through a `Learner`."""

import copy
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.tracking import SandlotError

from .allocator import keep_freed_memory
from .compilation import compile_gradient
from .config import LearnerConfig
from .cuda_graphs import StepGraphs
from .device import arithmetic_context, choose_device, is_large, one_thread
from .flat_parameters import Bond, Layout, flatten, layout_of, move_into, parts_of, pieces_of
from .optimizers import OPTIMIZERS, Layered, Optimizer
from .schedules import scheduled

Metrics = dict[str, Tensor]
Loss = Callable[[Any, Any], tuple[Tensor, Metrics]]
"""A pure function of a module and a batch, which returns the loss and what is worth knowing about it.

Single numbers among that are averaged and logged.
"""

COMPILE_REPAYS_AFTER = 50_000
"""Gradient steps from which compiling is worth its 20 seconds: it saves about half a millisecond a step."""
UNREAD_AT_MOST = 64
"""Gradient steps whose metrics are kept before they are summed up."""


class NonFiniteError(SandlotError):
    """A loss or gradient became NaN or infinite."""


class Learner:
    """Take gradient steps on a module for a loss.

    The parameters are laid out in one flat tensor, of which the module's own become views. So clipping and
    the optimizer are a few operations on one tensor, whatever the number of layers.

    `scales` gives shares of the learning rate to the parameters whose names begin with its keys: all of it to
    those that none fits, and that of the longest to those that several do.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: Loss,
        config: LearnerConfig,
        scales: Mapping[str, float] | None = None,
        device: torch.device | None = None,
    ):
        keep_freed_memory()
        self.config = config
        batch_size = getattr(config, "batch_size", 1)
        self.device = choose_device(config.device, module, batch_size=batch_size) if device is None else device
        self.module = module.to(self.device)
        self.loss = loss
        self.scales = dict(scales or {})
        self._frozen: list[nn.Module] = []
        self._lay_flat()
        self.optimizer = self._new_optimizer()
        self.arithmetic = arithmetic_context(config.precision, self.device, is_large(module))
        """Makes the context in which losses are computed, and what is compared with them should be too."""
        self._gradient: Callable[[Any], tuple[Tensor, Metrics]] = self._eager_gradient
        self._compiled: Callable[[Any], tuple[Tensor, Metrics]] | None = None
        self._graphs = self._new_graphs()
        self._unread: list[Metrics] = []
        self._names: list[str] = []
        self._sum, self._summed = torch.zeros((), device=self.device), 0
        self.learning_rate = config.learning_rate

    def _lay_flat(self) -> None:
        """Lay the module's parameters out in a new flat tensor, and make the frozen modules views of it, too."""
        self.flat = flatten(self.module)
        self.gradient = torch.zeros_like(self.flat)
        self._watch()

    def _watch(self) -> None:
        self._bond = Bond(self.module, self.flat, self.gradient)
        for module in self._frozen:
            self._follow(module)

    def _new_optimizer(self) -> Optimizer | Layered:
        config = self.config
        how = (config.weight_decay, config.optimizer_epsilon, config.momentum, config.betas)
        kind = OPTIMIZERS[config.optimizer]
        if not self.scales:
            return kind(self.flat, *how)
        pieces = pieces_of(self.module, self.scales)
        return Layered([(kind(self.flat[part], *how), part, scale) for part, scale in pieces])

    def _new_graphs(self) -> StepGraphs | None:
        # Where shapes depend on the data, as where episodes start, no graph can be captured.
        capturable = getattr(self.module, "captures", getattr(self.module, "compiles", True))
        captures = self.device.type == "cuda" and self.config.cuda_graphs == "auto" and capturable
        return StepGraphs(self) if captures else None

    def _mend(self) -> None:
        """Make the module's parameters the learner's again, where something has parted them, and say so."""
        before = self._bond.layout
        self.module.to(self.device, self.flat.dtype)
        if layout_of(self.module) == before:
            move_into(self.module, self.flat)
            self._watch()
            what = "its weights as they are now"
        else:
            averages, steps = self.optimizer.carried(before), self.optimizer.steps
            self._lay_flat()
            self.optimizer = self._new_optimizer()
            self.optimizer.carry_over(averages, self._bond.layout, steps)
            self._graphs, self._compiled = self._new_graphs(), None
            self._gradient = self._eager_gradient
            what = "its new parameters, whose optimizer averages start from 0"
        warnings.warn(
            f"the tensors of {type(self.module).__name__} were replaced since the last gradient step (by .to(), "
            f"assigned or tied weights, or a new layer); training goes on with {what}",
            stacklevel=4,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle keeps: all but the flat tensors, which the copied module gets anew."""
        left_out = ("flat", "gradient", "_bond", "_graphs", "_compiled", "_gradient")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Lay the copied module's parameters out in flat tensors of its own."""
        self.__dict__.update(state)
        self._compiled, self._gradient = None, self._eager_gradient
        self._lay_flat()
        self.optimizer.attach(self.flat)
        self._graphs = self._new_graphs()

    def prepare(self, steps: int) -> None:
        """Choose how to run the next `steps` gradient steps: as they stand, or compiled.

        The choice depends on the numbers alone, so a resumed run makes the same one.
        """
        repays = self.config.compile == "auto" and self.device.type == "cpu" and steps >= COMPILE_REPAYS_AFTER
        compiles = getattr(self.module, "compiles", True)
        if self.config.compile == "on" and not compiles:
            raise SandlotError("this network's steps can't be compiled whole; leave --compile to auto")
        compiled = self.config.compile == "on" or (repays and compiles)
        self._compiled = self._compiled or (compile_gradient(self) if compiled else None)
        self._gradient = (self._compiled if compiled else None) or self._eager_gradient

    def anneal(self, progress: float) -> None:
        """Set the learning rate for the fraction `progress` of the run."""
        self.learning_rate = scheduled(self.config.learning_rate, self.config.learning_rate_schedule, progress)

    def step(self, batch: Any, *more: Any) -> Metrics:
        """Take one gradient step and return the loss's metrics, as tensors on the device.

        With `more` batches, the step follows the mean of their gradients, and the metrics are the last one's.
        Raises `NonFiniteError` before a NaN can reach the parameters; on a GPU, which is asked rarely,
        the step is left out and `metrics` raises.
        """
        if not self._bond.holds():
            self._mend()
        if self.device.type == "cpu":
            metrics = self._step_on_cpu(batch, more)
        else:
            self.optimizer.count()
            replayed = self._graphs.step(batch) if self._graphs is not None and not more else None
            if replayed is not None:
                return self._add_up(*replayed)
            steps = torch.full((), float(self.optimizer.steps), device=self.device)
            metrics = self.update(batch, torch.full((), self.learning_rate, device=self.device), steps, more)
        self._unread.append({name: value for name, value in metrics.items() if value.ndim == 0})
        if len(self._unread) == UNREAD_AT_MOST:
            self._sum_up()
        return metrics

    def update(
        self, batch: Any, learning_rate: Float[Tensor, ""], steps: Float[Tensor, ""], more: Sequence[Any] = ()
    ) -> Metrics:
        """Take a gradient step that never waits for the device, so that it can be captured as a CUDA graph.

        Where the gradient is not finite, it counts as 0.
        """
        gradient, metrics = self._mean_gradient(batch, more)
        norm = metrics["grad_norm"] = torch.linalg.vector_norm(gradient)
        gradient = torch.where(torch.isfinite(norm), gradient, 0.0)
        if self.config.max_grad_norm:
            gradient.mul_((self.config.max_grad_norm / (norm.nan_to_num() + 1e-6)).clamp(max=1.0))
        self.optimizer.apply(gradient, learning_rate, steps)
        return metrics

    def metrics(self) -> dict[str, float]:
        """Return the means of the metrics since the last call. This waits for the device."""
        self._sum_up()
        if not self._summed:
            return {}
        means = (self._sum / self._summed).tolist()
        named = dict(zip(self._names, means, strict=True))
        self._sum, self._summed = torch.zeros((), device=self.device), 0
        if not all(map(math.isfinite, named.values())):
            raise self._non_finite({name: torch.tensor(value) for name, value in named.items()})
        return named | {"learning_rate": self.learning_rate}

    def _step_on_cpu(self, batch: Any, more: Sequence[Any]) -> Metrics:
        gradient, metrics = self._mean_gradient(batch, more)
        metrics["grad_norm"] = torch.linalg.vector_norm(gradient)
        norm, longest = metrics["grad_norm"].item(), self.config.max_grad_norm
        if not math.isfinite(norm):
            raise self._non_finite(metrics)
        if longest and norm > longest:
            gradient.mul_(longest / (norm + 1e-6))
        self.optimizer.step(gradient, self.learning_rate)
        return metrics

    def _mean_gradient(self, batch: Any, more: Sequence[Any]) -> tuple[Tensor, Metrics]:
        """Return the mean gradient over the batches, and the metrics of the last of them."""
        gradient, metrics = self._gradient(batch)
        if more:
            gradient, metrics = self._accumulate(gradient.clone(), more)
        if self.config.l1:
            gradient.add_(self.flat.sign(), alpha=self.config.l1)
        return gradient, metrics

    def _add_up(self, metrics: Metrics, scalars: Float[Tensor, "metric"]) -> Metrics:
        """Add the scalars of a replayed step up at once, since the next replay overwrites them."""
        self._names = [name for name, value in metrics.items() if value.ndim == 0]
        self._sum = self._sum + scalars
        self._summed += 1
        return metrics

    def _sum_up(self) -> None:
        """Add the metrics of the last steps up: many at a time, which costs a step less than its own would."""
        if self._unread:
            self._names = list(self._unread[0])
            values = torch.stack([value.float() for metrics in self._unread for value in metrics.values()])
            self._sum = self._sum + values.view(len(self._unread), -1).sum(0)
            self._summed += len(self._unread)
            self._unread.clear()

    def frozen(self) -> Any:
        """Return a module over the learner's own parameters that takes no gradients.

        A loss that calls it computes no gradients of its parameters, and adds none to them.
        """
        self._frozen.append(copy.deepcopy(self.module))
        self._follow(self._frozen[-1])
        return self._frozen[-1]

    def _follow(self, module: nn.Module) -> None:
        """Make `module` a twin of the learner's, over the same parameters and buffers, that takes no gradients."""
        shared: dict[int, Any] = {id(buffer): buffer for buffer in self.module.buffers()}
        module.__dict__.update(copy.deepcopy(self.module, shared).requires_grad_(False).__dict__)
        for (name, _), part in zip(self.layout, parts_of(self.flat, self.module), strict=True):
            module.get_parameter(name).data = part

    @property
    def layout(self) -> Layout:
        """The name and shape of each parameter that it trains, in the order of `flat`."""
        return self._bond.layout

    def threads(self) -> AbstractContextManager[None]:
        """Use as many CPU threads as the module is worth: one for small networks, for which more are slower."""
        return nullcontext() if is_large(self.module) else one_thread()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the optimizer's state. The module's own state is the module's."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` returned."""
        self.optimizer.load_state_dict(state)

    def _eager_gradient(self, batch: Any) -> tuple[Tensor, Metrics]:
        return self.backward(partial(self.loss, self.module), batch)

    def backward(self, loss_of: Callable[[Any], tuple[Tensor, Metrics]], batch: Any) -> tuple[Tensor, Metrics]:
        """Return the flat gradient of `loss_of` at a batch, and its metrics."""
        self.gradient.zero_()
        self._bond.attach_gradients()
        with self.arithmetic():
            loss, metrics = loss_of(batch)
        loss.backward()
        return self.gradient, metrics

    def _accumulate(self, total: Float[Tensor, "size"], batches: Sequence[Any]) -> tuple[Tensor, Metrics]:
        """Return the mean of the gradient `total` and those of `batches`, and the metrics of the last of them."""
        metrics: Metrics = {}
        for batch in batches:
            gradient, metrics = self._gradient(batch)
            total.add_(gradient)
        return total.div_(len(batches) + 1), metrics

    def _non_finite(self, metrics: Metrics) -> NonFiniteError:
        terms = [name for name, value in metrics.items() if not bool(torch.isfinite(value)) and name != "grad_norm"]
        weights = [
            name
            for name, parameter in self.module.named_parameters()
            if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all())
        ]
        culprit = ", ".join(terms) or f"the gradient of {weights[0] if weights else 'a parameter'}"
        return NonFiniteError(f"{culprit} became NaN or infinite at gradient step {self.optimizer.steps + 1}")
