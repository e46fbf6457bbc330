"""Optimizers of one flat tensor.

They do what those of `torch.optim` do, to the last bit or nearly (a test compares them). They are here
because a `torch.optim.Optimizer` imports the whole of torch's compiler when it is made, which takes longer
than importing torch, and walks lists of parameters where a `Learner` has one tensor.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from .flat_parameters import Layout

Betas = tuple[float, float]
LearningRate = float | Tensor
"""A number, or on a GPU a tensor without axes: a graph of the step reads it anew at each replay."""
BETAS: Betas = (0.9, 0.999)
"""Shares of the old that Adam's averages of the gradient, and of its square, keep at each step."""


class Optimizer(ABC):
    """Move a flat tensor of parameters against its gradient."""

    def __init__(
        self,
        parameters: Float[Tensor, "size"],
        weight_decay: float,
        epsilon: float,
        momentum: float,
        betas: Betas = BETAS,
    ):
        self.parameters = parameters
        self.weight_decay, self.epsilon, self.momentum, self.betas = weight_decay, epsilon, momentum, betas
        self.steps = 0
        self.averages = {name: torch.zeros_like(parameters) for name in self._carried()}
        """What is carried from step to step, by name."""

    def step(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        """Take one step."""
        self.count()
        self.apply(gradient, learning_rate, torch.tensor(float(self.steps), device=self.parameters.device))

    def count(self) -> None:
        """Count a step, which `apply` takes."""
        self.steps += 1

    @torch.no_grad()
    def apply(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        """Move the parameters, as the step number `steps`. With tensors alone, so that a graph can replay it."""
        if self.weight_decay:
            gradient = self._decay(gradient, learning_rate)
        self._move(gradient, learning_rate, steps)

    def tensors(self) -> list[Tensor]:
        """Return the tensors that steps change, beside the parameters."""
        return list(self.averages.values())

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is carried from step to step."""
        return {"steps": torch.tensor(self.steps), **self.averages}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` returned."""
        self.steps = int(state["steps"])
        for name, average in self.averages.items():
            average.copy_(state[name])

    def attach(self, parameters: Float[Tensor, "size"]) -> None:
        """Move `parameters` from now on, of which a copy or a pickle holds none."""
        self.parameters = parameters

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "parameters"}

    def carried(self, layout: Layout) -> dict[str, dict[str, Tensor]]:
        """Return the averages of each parameter of a `layout`, by the parameter's name."""
        return _by_parameter(self.averages, layout)

    def carry_over(self, averages: dict[str, dict[str, Tensor]], layout: Layout, steps: int) -> None:
        """Take up the averages of those parameters of a `layout` that `averages` has in the same shape."""
        self.steps = steps
        _take_up(_by_parameter(self.averages, layout), averages)

    @abstractmethod
    def _move(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None: ...

    def _decay(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate) -> Float[Tensor, "size"]:
        return gradient.add(self.parameters, alpha=self.weight_decay)

    @abstractmethod
    def _carried(self) -> list[str]:
        """Return the names of what is carried from step to step, a number for each parameter."""


def _by_parameter(averages: Mapping[str, Tensor], layout: Layout) -> dict[str, dict[str, Tensor]]:
    """Return flat averages in views for each parameter of a `layout`."""
    views: dict[str, dict[str, Tensor]] = {name: {} for name, _ in layout}
    for key, average in averages.items():
        pieces = average.split([shape.numel() for _, shape in layout])
        for (name, shape), piece in zip(layout, pieces, strict=True):
            views[name][key] = piece.view(shape)
    return views


def _take_up(mine: dict[str, dict[str, Tensor]], given: dict[str, dict[str, Tensor]]) -> None:
    """Copy the averages of the parameters that both have in the same shape."""
    for name, averages in mine.items():
        for key, average in averages.items():
            if (other := given.get(name, {}).get(key)) is not None and other.shape == average.shape:
                average.copy_(other)


def _descend(parameters: Tensor, direction: Tensor, learning_rate: LearningRate) -> None:
    """Subtract the learning rate times `direction`."""
    if isinstance(learning_rate, Tensor):
        parameters.addcmul_(direction, learning_rate, value=-1.0)
    else:
        parameters.add_(direction, alpha=-learning_rate)


def _descend_scaled(parameters: Tensor, gradient: Tensor, scale: Tensor, learning_rate: LearningRate) -> None:
    """Subtract the learning rate times `gradient / scale`."""
    if isinstance(learning_rate, Tensor):
        parameters.addcmul_(gradient / scale, learning_rate, value=-1.0)
    else:
        parameters.addcdiv_(gradient, scale, value=-learning_rate)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for."""

    def _carried(self) -> list[str]:
        return ["velocity"] if self.momentum else []

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        if self.momentum:
            gradient = self.averages["velocity"].mul_(self.momentum).add_(gradient)
        _descend(self.parameters, gradient, learning_rate)


class Adam(Optimizer):
    """Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1."""

    def _carried(self) -> list[str]:
        return ["mean", "square"]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        mean, square = self.averages["mean"], self.averages["square"]
        beta1, beta2 = self.betas
        # The kernel of torch.optim's fused Adam: one pass over the numbers in place of seven.
        torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
            [self.parameters], [gradient], [mean], [square], [], [steps],
            lr=learning_rate, beta1=beta1, beta2=beta2, weight_decay=0.0, eps=self.epsilon,
            amsgrad=False, maximize=False,
        )  # fmt: skip


class AdamW(Adam):
    """Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2."""

    def _decay(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate) -> Float[Tensor, "size"]:
        self.parameters.mul_(1 - learning_rate * self.weight_decay)
        return gradient


class RMSprop(Optimizer):
    """Tieleman and Hinton, "Lecture 6.5: RMSProp", 2012, with momentum if asked for."""

    alpha = 0.99

    def _carried(self) -> list[str]:
        return ["square", *(["velocity"] if self.momentum else [])]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        square = self.averages["square"].mul_(self.alpha).addcmul_(gradient, gradient, value=1 - self.alpha)
        spread = square.sqrt().add_(self.epsilon)
        if self.momentum:
            velocity = self.averages["velocity"].mul_(self.momentum).addcdiv_(gradient, spread)
            _descend(self.parameters, velocity, learning_rate)
        else:
            _descend_scaled(self.parameters, gradient, spread, learning_rate)


class Adagrad(Optimizer):
    """Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011."""

    def _carried(self) -> list[str]:
        return ["sum"]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        total = self.averages["sum"].addcmul_(gradient, gradient)
        _descend_scaled(self.parameters, gradient, total.sqrt().add_(self.epsilon), learning_rate)


class Layered:
    """Optimizers of the parts of a flat tensor, each with its share of the learning rate."""

    def __init__(self, parts: Sequence[tuple[Optimizer, slice, float]]):
        self.parts = parts

    @property
    def steps(self) -> int:
        """Steps that were taken."""
        return self.parts[0][0].steps

    def step(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        """Take one step."""
        for optimizer, part, scale in self.parts:
            optimizer.step(gradient[part], learning_rate * scale)

    def count(self) -> None:
        """Count a step, which `apply` takes."""
        for optimizer, _, _ in self.parts:
            optimizer.count()

    def apply(self, gradient: Float[Tensor, "size"], learning_rate: LearningRate, steps: Float[Tensor, ""]) -> None:
        """Move the parameters, as the step number `steps`."""
        for optimizer, part, scale in self.parts:
            optimizer.apply(gradient[part], learning_rate * scale, steps)

    def tensors(self) -> list[Tensor]:
        """Return the tensors that steps change, beside the parameters."""
        return [tensor for optimizer, _, _ in self.parts for tensor in optimizer.tensors()]

    def attach(self, parameters: Float[Tensor, "size"]) -> None:
        """Move `parameters` from now on, of which a copy or a pickle holds none."""
        for optimizer, part, _ in self.parts:
            optimizer.attach(parameters[part])

    def carried(self, layout: Layout) -> dict[str, dict[str, Tensor]]:
        """Return the averages of each parameter of a `layout`, by the parameter's name."""
        return _by_parameter(self._whole(), layout)

    def carry_over(self, averages: dict[str, dict[str, Tensor]], layout: Layout, steps: int) -> None:
        """Take up the averages of those parameters of a `layout` that `averages` has in the same shape."""
        whole = self._whole()
        _take_up(_by_parameter(whole, layout), averages)
        for optimizer, part, _ in self.parts:
            optimizer.steps = steps
            for name, average in optimizer.averages.items():
                average.copy_(whole[name][part])

    def _whole(self) -> dict[str, Tensor]:
        """Return copies of the averages of all parts, in one tensor for each name."""
        names = self.parts[0][0].averages
        return {name: torch.cat([optimizer.averages[name] for optimizer, _, _ in self.parts]) for name in names}

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is carried from step to step."""
        return {
            f"{index}.{name}": tensor
            for index, (optimizer, _, _) in enumerate(self.parts)
            for name, tensor in optimizer.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` returned."""
        for index, (optimizer, _, _) in enumerate(self.parts):
            prefix = f"{index}."
            optimizer.load_state_dict(
                {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
            )


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
}
