"""The one gradient step. Agents, generative models and classifiers all learn through a `Learner`."""

import copy
import math
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
from .flat_parameters import flatten, parts_of, pieces_of, trained
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
        self.flat = flatten(module)
        self.gradient = torch.zeros_like(self.flat)
        for parameter, part in zip(trained(module), parts_of(self.gradient, module), strict=True):
            parameter.grad = part
        self.arithmetic = arithmetic_context(config.precision, self.device, is_large(module))
        """Makes the context in which losses are computed, and what is compared with them should be too."""
        self._gradient: Callable[[Any], tuple[Tensor, Metrics]] = self._eager_gradient
        self._compiled: Callable[[Any], tuple[Tensor, Metrics]] | None = None
        # Where shapes depend on the data, as where episodes start, no graph can be captured.
        capturable = getattr(module, "captures", getattr(module, "compiles", True))
        captures = self.device.type == "cuda" and config.cuda_graphs == "auto" and capturable
        self._graphs = StepGraphs(self) if captures else None
        self._unread: list[Metrics] = []
        self._names: list[str] = []
        self._sum, self._summed = torch.zeros((), device=self.device), 0
        self.learning_rate = config.learning_rate
        how = (config.weight_decay, config.optimizer_epsilon, config.momentum, config.betas)
        kind = OPTIMIZERS[config.optimizer]
        pieces = pieces_of(self.module, scales or {})
        self.optimizer: Optimizer | Layered = (
            Layered([(kind(self.flat[part], *how), part, scale) for part, scale in pieces])
            if scales
            else kind(self.flat, *how)
        )

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

    def lay_out(self, module: nn.Module, flat: Float[Tensor, "size"]) -> None:
        """Make the parameters of `module`, a copy of the learner's, views of `flat`."""
        names = [name for name, parameter in self.module.named_parameters() if parameter.requires_grad]
        for name, part in zip(names, parts_of(flat, self.module), strict=True):
            module.get_parameter(name).data = part

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


class TargetNetwork:
    """A copy of a learner's module that takes no gradients and is updated by Polyak averaging.

    Generative models use it as an exponential moving average of the weights.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; Mnih et al.,
    "Human-level control through deep reinforcement learning", 2015.
    """

    def __init__(self, learner: Learner):
        self.learner = learner
        self.module: Any = copy.deepcopy(learner.module).requires_grad_(False)
        self.flat = learner.flat.clone()
        learner.lay_out(self.module, self.flat)

    @torch.no_grad()
    def update(self, tau: float = 1.0) -> None:
        """Move the parameters by `tau` towards the learner's (1 copies them), and copy the buffers."""
        if tau == 1.0:
            self.flat.copy_(self.learner.flat)
        else:
            self.flat.lerp_(self.learner.flat, tau)
        for mine, theirs in zip(self.module.buffers(), self.learner.module.buffers(), strict=True):
            mine.copy_(theirs)


def frozen(learner: Learner) -> Any:
    """Return a module over the learner's own parameters that takes no gradients.

    A loss that calls it computes no gradients of its parameters, and adds none to them.
    """
    buffers: dict[int, Any] = {id(buffer): buffer for buffer in learner.module.buffers()}
    module = copy.deepcopy(learner.module, buffers).requires_grad_(False)
    learner.lay_out(module, learner.flat)
    return module
