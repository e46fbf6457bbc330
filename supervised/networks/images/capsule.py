"""A capsule network with dynamic routing."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Memoryless

KERNEL = 5


class CapsuleNet(Memoryless):
    """Encode images as capsule poses, found by dynamic routing.

    Each output capsule is the agreement of the primary capsules' predictions, after a few routing iterations. The
    length of its pose is the probability that its entity is present.

    Source: Sabour et al., "Dynamic routing between capsules", 2017, procedure 1 and section 4.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        capsules: int = 10,
        pose: int = 16,
        primary: int = 8,
        primary_pose: int = 8,
        rounds: int = 3,
    ):
        super().__init__()
        smallest = 3 * KERNEL
        if min(height, width) < smallest:
            raise ValueError(
                f"a capsule network needs images of at least {smallest}×{smallest} pixels, not {height}×{width}"
            )
        self.primary_pose, self.rounds = primary_pose, rounds
        stride = max(1, min(height, width) // 12)
        self.read = nn.Conv2d(channels, 64, KERNEL, stride=stride)
        self.primary = nn.Conv2d(64, primary * primary_pose, KERNEL, stride=2)
        with torch.no_grad():
            count = self.primary(self.read(torch.zeros(1, channels, height, width))).numel() // primary_pose
        self.transform = nn.Parameter(0.05 * torch.randn(count, capsules, pose, primary_pose))
        self.feature_size = capsules * pose

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row feature"]:
        return self.capsules(inputs).flatten(1)

    def capsules(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row capsule pose"]:
        """Return the pose of each capsule. Its length, below 1, is the probability that its entity is present."""
        maps = self.primary(F.relu(self.read(inputs)))
        low = squash(maps.unflatten(1, (self.primary_pose, -1)).flatten(2).transpose(1, 2))
        predictions = torch.einsum("icpq,riq->ricp", self.transform, low)
        return route(predictions, self.rounds)


def squash(poses: Float[Tensor, "*batch pose"]) -> Float[Tensor, "*batch pose"]:
    """Squash vectors to lengths below 1: short ones to almost 0, long ones to almost 1 (equation 1)."""
    square = poses.square().sum(-1, keepdim=True)
    return poses * square / (1 + square) * (square + 1e-8).rsqrt()


def route(predictions: Float[Tensor, "row low capsule pose"], rounds: int) -> Float[Tensor, "row capsule pose"]:
    """Return the poses that the lower capsules' predictions agree on, after `rounds` routing iterations.

    Gradients flow through the last iteration only; its coupling logits are constants.
    """
    logits = predictions.new_zeros(predictions.shape[:3])
    fixed = predictions.detach()
    for _ in range(rounds - 1):
        poses = squash((logits.softmax(2).unsqueeze(-1) * fixed).sum(1))
        logits = logits + (fixed * poses.unsqueeze(1)).sum(-1)
    return squash((logits.softmax(2).unsqueeze(-1) * predictions).sum(1))
