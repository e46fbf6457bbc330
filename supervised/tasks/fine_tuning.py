"""Fine-tuning of a predictor: frozen layers, and learning rates that decay with depth."""

from collections.abc import Callable
from typing import Any

from torch import nn

from sandlot.supervised.data import Loader
from sandlot.supervised.optimization.device import choose_device
from sandlot.supervised.optimization.learner import Learner, Loss
from sandlot.supervised.transfer.config import ALL
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import require

from .predictor import Predictor, PredictorConfig


class FineTuning:
    """Make the learner of a predictor whose first layers may be frozen for a while.

    By default nothing is frozen, and all layers learn at the same rate. `metadata` is the task's; it notes when the
    layers have been unfrozen.

    Source: Howard and Ruder, "Universal language model fine-tuning for text classification", 2018, sections 3.2
    and 3.3.
    """

    def __init__(self, network: Predictor, loss: Loss, config: PredictorConfig, metadata: dict[str, Any]):
        self.network, self.loss, self.config, self.metadata = network, loss, config, metadata
        network.frozen = freeze(network.backbone, 0 if metadata.get("unfrozen") else config.freeze)

    def learner(self) -> Learner:
        """Return a new learner of the layers that are not frozen."""
        scales = layer_scales(self.network.backbone, self.config.layer_decay)
        rates = {f"backbone.{name}": rate for name, rate in scales.items()}
        return Learner(self.network, self.loss, self.config, rates, choose_device(self.config.device))

    def unfreezes_at(self, step: int, loader: Callable[[], Loader]) -> bool:
        """Return whether the frozen layers are to be unfrozen at `step`."""
        after = self.config.unfreeze_after
        return bool(self.network.frozen and after) and step == after * loader().steps_per_epoch

    def unfreeze(self, step: int) -> Learner:
        """Return a learner of all layers, with a new optimizer, which continues at `step`."""
        self.metadata["unfrozen"] = True
        self.network.frozen = []
        self.network.requires_grad_(True)
        learner = self.learner()
        learner.prepare(step)
        self.network.train()
        return learner

    def trained_encoder(self) -> TrainedEncoder:
        """Return the backbone, for another task to start from."""
        tensors = {name: tensor.cpu().numpy() for name, tensor in self.network.backbone.state_dict().items()}
        return TrainedEncoder.of(self.metadata["kind"], self.metadata["preprocessing"], self.config, tensors)


def layers_of(backbone: nn.Module) -> list[list[tuple[str, nn.Module]]]:
    """Return the layers of a backbone from the input on, as named modules; each module with a matrix begins one."""
    layers: list[list[tuple[str, nn.Module]]] = []
    for name, module in backbone.named_modules():
        own = list(module.parameters(recurse=False))
        if own and (not layers or any(parameter.ndim > 1 for parameter in own)):
            layers.append([])
        if own:
            layers[-1].append((name, module))
    return layers


def freeze(backbone: nn.Module, count: int) -> list[nn.Module]:
    """Freeze the first `count` layers of a backbone, or all for -1, and return their modules."""
    layers = layers_of(backbone)
    require(count <= len(layers), f"freeze must be at most {len(layers)}, the number of layers", count)
    frozen = [module for layer in (layers if count == ALL else layers[:count]) for _, module in layer]
    for module in frozen:
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    return frozen


def layer_scales(backbone: nn.Module, decay: float) -> dict[str, float]:
    """Return each layer's factor on the head's learning rate: `decay` for the last, times `decay` for each below."""
    if decay == 1:
        return {}
    layers = layers_of(backbone)
    return {f"{name}.": decay ** (len(layers) - place) for place, layer in enumerate(layers) for name, _ in layer}
