"""Models that make: pictures, or rows of numbers, like those that they have seen."""

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
    "HingeGAN",
    "HingeGANConfig",
    "VAEConfig",
    "VQVAEConfig",
    "WGANGPConfig",
]

__getattr__ = importing(__name__, _HOMES)
