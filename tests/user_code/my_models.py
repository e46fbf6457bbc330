"""A generative model of a user's own: a VAE with another loss."""

from sandlot.generative import VAE


class MyVAE(VAE):
    """A VAE that is also told to keep its loss small in square."""

    def loss(self, network, batch):
        loss, metrics = super().loss(network, batch)
        return loss + 1e-6 * loss.square(), {**metrics, "square": loss.detach().square()}
