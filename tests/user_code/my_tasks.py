"""A task of a user's own: regression with a Huber loss."""

import torch.nn.functional as F

from sandlot.supervised import Regressor


class MyTask(Regressor):
    """A regressor that outliers pull less."""

    def loss(self, module, batch):
        loss = F.huber_loss(module(batch).squeeze(-1), batch["target"])
        return loss, {"loss": loss.detach()}
