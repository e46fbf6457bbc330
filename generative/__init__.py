"""Models that make: pictures, or rows of numbers, like those that they have seen."""

from typing import TYPE_CHECKING

from tracking.lazy import importing

if TYPE_CHECKING:
    from .ae import AE, AEConfig
    from .cgan import CGAN, CGANConfig
    from .dae import DAE, DAEConfig
    from .dcgan import DCGAN, DCGANConfig
    from .gan import GAN, GANConfig
    from .hinge_gan import HingeGAN, HingeGANConfig
    from .vae import VAE, VAEConfig
    from .vq_vae import VQVAE, VQVAEConfig
    from .wgan_gp import WGANGP, WGANGPConfig

MODELS: dict[str, tuple[str, str]] = {
    "ae": ("AE", "is an autoencoder: it squeezes rows into a few numbers and back; sparse and contractive by option"),
    "dae": ("DAE", "is a denoising autoencoder"),
    "vae": ("VAE", "is a variational autoencoder, with a bound on the likelihood; conditional by option"),
    "vq-vae": ("VQVAE", "is an autoencoder whose code is words of a learned vocabulary, and a model of such codes"),
    "gan": ("GAN", "is the original generative adversarial network"),
    "dcgan": ("DCGAN", "is a GAN of convolutions"),
    "wgan-gp": ("WGANGP", "is a GAN whose critic measures a distance, held in check by a gradient penalty"),
    "hinge-gan": ("HingeGAN", "is a GAN with a hinge loss, whose discriminator is normalised spectrally"),
    "cgan": ("CGAN", "is a GAN that makes images of the class one asks for"),
}
"""For each model's name on the command line, its class and what it is."""

_HOMES = {
    "AE": "ae",
    "AEConfig": "ae",
    "CGAN": "cgan",
    "CGANConfig": "cgan",
    "DAE": "dae",
    "DAEConfig": "dae",
    "DCGAN": "dcgan",
    "DCGANConfig": "dcgan",
    "GAN": "gan",
    "GANConfig": "gan",
    "HingeGAN": "hinge_gan",
    "HingeGANConfig": "hinge_gan",
    "VAE": "vae",
    "VAEConfig": "vae",
    "VQVAE": "vq_vae",
    "VQVAEConfig": "vq_vae",
    "WGANGP": "wgan_gp",
    "WGANGPConfig": "wgan_gp",
}

__all__ = [
    "AE",
    "CGAN",
    "DAE",
    "DCGAN",
    "GAN",
    "MODELS",
    "VAE",
    "VQVAE",
    "WGANGP",
    "AEConfig",
    "CGANConfig",
    "DAEConfig",
    "DCGANConfig",
    "GANConfig",
    "HingeGAN",
    "HingeGANConfig",
    "VAEConfig",
    "VQVAEConfig",
    "WGANGPConfig",
]

__getattr__ = importing(__name__, _HOMES)
