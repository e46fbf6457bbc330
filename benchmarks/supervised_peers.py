"""What the supervised core is measured beside: a bare torch loop, Lightning, Keras, and transformers' GPT-2."""

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

BATCH = 128
"""Images in a batch."""
TEXT_STEPS, CONTEXT, TEXT_BATCH = 2_000, 64, 12
"""Gradient steps, characters of a row and rows of a batch in nanoGPT's setting for CPUs."""


def images(path: str) -> tuple[Any, Any]:
    """Return the training images, standardised, and their labels."""
    import torch

    from sandlot.supervised.data import load_frame

    frame = load_frame(path)
    rows = slice(None) if frame.source_split is None else frame.source_split == -1
    pixels = torch.from_numpy(frame.columns["image"][rows]).permute(0, 3, 1, 2).float().contiguous()
    return (pixels - pixels.mean()) / pixels.std(), torch.from_numpy(frame.columns["label"][rows]).long()


def network(shape: Sequence[int]) -> Any:
    """Return the network that all of them train: our ConvNet."""
    import torch
    from torch import nn

    from sandlot.supervised.networks import ConvNet

    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = ConvNet(shape[0], shape[1], shape[2])
            self.head = nn.Linear(self.encoder.feature_size, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder.encode(x))

    return Net()


def final_loss(forward: Callable[[], Any], module: Any, labels: Any) -> float:
    """Return the loss on some training images."""
    import torch
    import torch.nn.functional as F

    module.eval()
    with torch.no_grad():
        return F.cross_entropy(forward(), labels).item()


def train_torch(path: str, steps: int, seed: int) -> tuple[float, float, int]:
    """Train with a plain torch loop."""
    import torch
    import torch.nn.functional as F

    inputs, labels = images(path)
    net = network(inputs.shape[1:])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(seed)

    def train(count: int) -> None:
        order = torch.randperm(len(inputs), generator=generator)
        for step in range(count):
            rows = order[step * BATCH % (len(order) - BATCH) :][:BATCH]
            optimizer.zero_grad()
            loss = F.cross_entropy(net(inputs[rows]), labels[rows])
            loss.backward()
            optimizer.step()

    train(10)
    begin = time.perf_counter()
    train(steps)
    seconds = time.perf_counter() - begin
    return seconds, final_loss(lambda: net(inputs[:1_000]), net, labels[:1_000]), steps * BATCH


def train_lightning(path: str, steps: int, seed: int) -> tuple[float, float, int]:
    """Train with PyTorch Lightning, barebones."""
    import pytorch_lightning as lightning
    import torch
    import torch.nn.functional as F
    from torch.utils.data import DataLoader, TensorDataset

    inputs, labels = images(path)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network(inputs.shape[1:])

        def training_step(self, batch: Any, _: int) -> Any:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    lightning.seed_everything(seed, verbose=False)
    loader = DataLoader(TensorDataset(inputs, labels), BATCH, shuffle=True, drop_last=True)
    quiet: dict[str, Any] = {"accelerator": "cpu", "barebones": True}
    module = Module()
    lightning.Trainer(max_steps=10, **quiet).fit(module, loader)
    trainer = lightning.Trainer(max_steps=steps, **quiet)
    begin = time.perf_counter()
    trainer.fit(module, loader)
    seconds = time.perf_counter() - begin
    return seconds, final_loss(lambda: module.net(inputs[:1_000]), module, labels[:1_000]), steps * BATCH


def train_keras(path: str, steps: int, seed: int) -> tuple[float, float, int]:
    """Train the same layers with Keras on torch, channels first as torch has them."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers

    keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(seed)
    inputs, labels = (part.numpy() for part in images(path))
    net = keras.Sequential([layers.Input(inputs.shape[1:])])
    for width, halves in ((32, True), (64, True), (128, False)):
        for _ in range(2):
            net.add(layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal"))
            net.add(layers.BatchNormalization(axis=1, momentum=0.9, epsilon=1e-5))
            net.add(layers.ReLU())
        if halves:
            net.add(layers.MaxPooling2D())
    net.add(layers.GlobalAveragePooling2D())
    net.add(layers.Dense(10))
    net.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    quiet: dict[str, Any] = {"batch_size": BATCH, "verbose": 0}
    net.fit(inputs[: 10 * BATCH], labels[: 10 * BATCH], **quiet)
    begin = time.perf_counter()
    net.fit(inputs[: steps * BATCH], labels[: steps * BATCH], **quiet)
    seconds = time.perf_counter() - begin
    return seconds, float(net.evaluate(inputs[:1_000], labels[:1_000], **quiet)), steps * BATCH


def gpt2(data: str, seed: int) -> float:
    """Return the bits per character of transformers' GPT-2 of that size, by nanoGPT's recipe, on the same batches."""
    import torch
    import torch.nn.functional as F
    from transformers import GPT2Config, GPT2LMHeadModel

    from sandlot.supervised import LanguageModel

    task = LanguageModel(data, seed=seed, context_length=CONTEXT, batch_size=TEXT_BATCH)
    torch.manual_seed(seed)
    size: dict[str, Any] = {
        "vocab_size": len(task.tokenizer),
        "n_positions": CONTEXT,
        "n_embd": 128,
        "n_layer": 4,
        "n_head": 4,
    }
    dropout: dict[str, Any] = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    net: Any = GPT2LMHeadModel(GPT2Config(**size, **dropout, use_cache=False, bos_token_id=None, eos_token_id=None))

    def loss_of(tokens: Any) -> Any:
        return F.cross_entropy(net(tokens[:, :-1]).logits.flatten(0, 1), tokens[:, 1:].flatten())

    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=100)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, TEXT_STEPS - 100, eta_min=1e-4)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [100])
    loader = task.loader()
    for step in range(TEXT_STEPS):
        optimizer.zero_grad()
        loss_of(loader.batch(step)["tokens"]).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    net.eval()
    test = task.subset("test")
    with torch.no_grad():
        total = sum(float(loss_of(batch["tokens"])) * len(batch["tokens"]) for batch in test.batches(64))
    return total / len(test) / math.log(2)
