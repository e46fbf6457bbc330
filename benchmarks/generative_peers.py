"""Peers that Sandlot's generative models are compared with: pythae's VAE and a textbook DCGAN.

Each trains on images with values in [0, 1], for some time, and returns a function that samples images.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sandlot.supervised.networks import ConvDecoder, StridedCNN

BATCH = 128
Sampler = Callable[[int], Tensor]


def until(seconds: float) -> Callable[[], bool]:
    """Return a function that tells whether so many seconds have passed."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


def pythae_vae(images: Tensor, latent_size: int, seed: int, network: str = "strided") -> Any:
    """Return pythae's VAE and its trainer, with our CNN, or with its own MLPs of one hidden layer of 512 units."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    shape = (images.shape[1], images.shape[2], images.shape[3])

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = StridedCNN(*shape)
            self.moments = nn.Linear(self.net.feature_size, 2 * latent_size)

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.moments(self.net.encode(x)).chunk(2, dim=-1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = ConvDecoder(latent_size, shape)

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.net(z).sigmoid())

    torch.manual_seed(seed)
    config = VAEConfig(input_dim=shape, latent_dim=latent_size, reconstruction_loss="bce")
    model = VAE(config, encoder=Encoder(), decoder=Decoder()) if network == "strided" else VAE(config)
    data = BaseDataset(images, torch.zeros(len(images)))
    training_config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH,
        learning_rate=1e-3,
        no_cuda=True,
        seed=seed,
    )
    trainer = BaseTrainer(model, train_dataset=data, eval_dataset=None, training_config=training_config)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.prepare_training()
    return model, trainer


def train_pythae(images: Tensor, latent_size: int, seconds: float, seed: int) -> Sampler:
    """Train pythae's VAE for some time, in epochs of about 2,000 images."""
    model, trainer = pythae_vae(images, latent_size, seed)
    full = trainer.train_loader.dataset
    is_over, epoch = until(seconds), 0
    while not is_over():
        epoch += 1
        piece = torch.utils.data.Subset(full, torch.randperm(len(images))[: 16 * BATCH].tolist())
        trainer.train_loader = torch.utils.data.DataLoader(piece, BATCH, collate_fn=trainer.train_loader.collate_fn)
        trainer.train_step(epoch)
    model.eval()
    return lambda count: model.decoder(torch.randn(count, latent_size))["reconstruction"].detach()


def train_textbook_dcgan(images: Tensor, latent_size: int, seconds: float, seed: int) -> Sampler:
    """Train a DCGAN after PyTorch's tutorial, for images of 28×28 pixels, for some time."""
    torch.manual_seed(seed)
    channels = images.shape[1]
    generator = nn.Sequential(
        nn.ConvTranspose2d(latent_size, 128, 7, 1, 0, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, channels, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(channels, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 1, 7, 1, 0, bias=False), nn.Flatten(0),
    )  # fmt: skip
    for layer in (*generator, *discriminator):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (discriminator, generator)]
    is_over = until(seconds)
    while not is_over():
        real = 2 * images[torch.randint(len(images), (BATCH,))] - 1
        fake = generator(torch.randn(BATCH, latent_size, 1, 1))
        ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
        optimizers[0].zero_grad()
        loss = F.binary_cross_entropy_with_logits(discriminator(real), ones)
        (loss + F.binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)).backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        F.binary_cross_entropy_with_logits(discriminator(fake), ones).backward()
        optimizers[1].step()
    generator.eval()
    return lambda count: (generator(torch.randn(count, latent_size, 1, 1)).detach() + 1) / 2
