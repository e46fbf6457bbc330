"""Generative models of images and tables."""

from typing import TYPE_CHECKING

from sandlot.tracking.common.lazy import importing

if TYPE_CHECKING:
    from .adversarial.cgan import CGAN, CGANConfig
    from .adversarial.dcgan import DCGAN, DCGANConfig
    from .adversarial.gan import GAN, GANConfig
    from .adversarial.hinge_gan import HingeGAN, HingeGANConfig
    from .adversarial.wgan_gp import WGANGP, WGANGPConfig
    from .autoencoders.ae import AE, AEConfig
    from .autoencoders.dae import DAE, DAEConfig
    from .autoencoders.vae import VAE, VAEConfig
    from .autoencoders.vq_vae import VQVAE, VQVAEConfig
    from .base import GenerativeModel

MODELS: dict[str, tuple[str, str]] = {
    "ae": ("AE", "is an autoencoder; sparse or contractive by option"),
    "dae": ("DAE", "is a denoising autoencoder"),
    "vae": ("VAE", "is a variational autoencoder; a β-VAE or conditional by option"),
    "vq-vae": ("VQVAE", "is a vector-quantized autoencoder with a learned prior over its codes"),
    "gan": ("GAN", "is the original generative adversarial network"),
    "dcgan": ("DCGAN", "is a deep convolutional GAN"),
    "wgan-gp": ("WGANGP", "is a Wasserstein GAN with a gradient penalty"),
    "hinge-gan": ("HingeGAN", "is a GAN with a hinge loss and spectral normalization"),
    "cgan": ("CGAN", "is a class-conditional GAN with a projection discriminator"),
}
"""For each model's name on the command line, its class and what it is."""

_HOMES = {
    "AE": "autoencoders.ae",
    "AEConfig": "autoencoders.ae",
    "CGAN": "adversarial.cgan",
    "CGANConfig": "adversarial.cgan",
    "DAE": "autoencoders.dae",
    "DAEConfig": "autoencoders.dae",
    "DCGAN": "adversarial.dcgan",
    "DCGANConfig": "adversarial.dcgan",
    "GAN": "adversarial.gan",
    "GANConfig": "adversarial.gan",
    "GenerativeModel": "base",
    "HingeGAN": "adversarial.hinge_gan",
    "HingeGANConfig": "adversarial.hinge_gan",
    "VAE": "autoencoders.vae",
    "VAEConfig": "autoencoders.vae",
    "VQVAE": "autoencoders.vq_vae",
    "VQVAEConfig": "autoencoders.vq_vae",
    "WGANGP": "adversarial.wgan_gp",
    "WGANGPConfig": "adversarial.wgan_gp",
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
    "GenerativeModel",
    "HingeGAN",
    "HingeGANConfig",
    "VAEConfig",
    "VQVAEConfig",
    "WGANGPConfig",
]

__getattr__ = importing(__name__, _HOMES)
