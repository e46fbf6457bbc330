"""Optimizers of one flat tensor.

They do what those of `torch.optim` do, to the last bit or nearly (a test compares them). They are here
because a `torch.optim.Optimizer` imports the whole of torch's compiler when it is made, which takes longer
than importing torch, and walks lists of parameters where a `Learner` has one tensor.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Betas = tuple[float, float]
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

    @torch.no_grad()
    def step(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        """Take one step."""
        self.steps += 1
        if self.weight_decay:
            gradient = self._decay(gradient, learning_rate)
        self._move(gradient, learning_rate)

    def state_dict(self) -> dict[str, Tensor]:
        """Return what is carried from step to step."""
        return {"steps": torch.tensor(self.steps), **self.averages}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` returned."""
        self.steps = int(state["steps"])
        for name, average in self.averages.items():
            average.copy_(state[name])

    @abstractmethod
    def _move(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None: ...

    def _decay(self, gradient: Float[Tensor, "size"], learning_rate: float) -> Float[Tensor, "size"]:
        return gradient.add(self.parameters, alpha=self.weight_decay)

    @abstractmethod
    def _carried(self) -> list[str]:
        """Return the names of what is carried from step to step, a number for each parameter."""


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for."""

    def _carried(self) -> list[str]:
        return ["velocity"] if self.momentum else []

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        if self.momentum:
            gradient = self.averages["velocity"].mul_(self.momentum).add_(gradient)
        self.parameters.add_(gradient, alpha=-learning_rate)


class Adam(Optimizer):
    """Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1."""

    def _carried(self) -> list[str]:
        return ["mean", "square"]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        mean, square = self.averages["mean"], self.averages["square"]
        steps = torch.tensor(float(self.steps), device=self.parameters.device)
        beta1, beta2 = self.betas
        # The kernel of torch.optim's fused Adam: one pass over the numbers in place of seven.
        torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
            [self.parameters], [gradient], [mean], [square], [], [steps],
            lr=learning_rate, beta1=beta1, beta2=beta2, weight_decay=0.0, eps=self.epsilon,
            amsgrad=False, maximize=False,
        )  # fmt: skip


class AdamW(Adam):
    """Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2."""

    def _decay(self, gradient: Float[Tensor, "size"], learning_rate: float) -> Float[Tensor, "size"]:
        self.parameters.mul_(1 - learning_rate * self.weight_decay)
        return gradient


class RMSprop(Optimizer):
    """Tieleman and Hinton, "Lecture 6.5: RMSProp", 2012, with momentum if asked for."""

    alpha = 0.99

    def _carried(self) -> list[str]:
        return ["square", *(["velocity"] if self.momentum else [])]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        square = self.averages["square"].mul_(self.alpha).addcmul_(gradient, gradient, value=1 - self.alpha)
        spread = square.sqrt().add_(self.epsilon)
        if self.momentum:
            velocity = self.averages["velocity"].mul_(self.momentum).addcdiv_(gradient, spread)
            self.parameters.add_(velocity, alpha=-learning_rate)
        else:
            self.parameters.addcdiv_(gradient, spread, value=-learning_rate)


class Adagrad(Optimizer):
    """Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011."""

    def _carried(self) -> list[str]:
        return ["sum"]

    def _move(self, gradient: Float[Tensor, "size"], learning_rate: float) -> None:
        total = self.averages["sum"].addcmul_(gradient, gradient)
        self.parameters.addcdiv_(gradient, total.sqrt().add_(self.epsilon), value=-learning_rate)


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
