"""Small data sets, and what the tests of tasks share."""

import numpy as np

from sandlot.supervised.data import Frame

GOOD, BAD = ["lovely", "great", "fine", "superb", "nice"], ["awful", "bad", "poor", "horrid", "dull"]
PLAIN = ["the", "film", "was", "long", "and", "had", "a", "plot", "with", "actors", "in", "it"]


def frame_of(name="made", source_split=None, classes=None, **columns):
    arrays = {key: np.array(column, object if isinstance(column[0], str | None) else None)
              for key, column in columns.items()}  # fmt: skip
    rows = len(next(iter(arrays.values())))
    return Frame(name, arrays, [(f"{name}.csv", rows)], classes or {}, source_split)


def bar_images(rows=40, size=16, classes=2, channels=1):
    """Images with a bright bar: where it is, is the class."""
    random = np.random.default_rng(0)
    label = np.arange(rows) % classes
    image = random.integers(0, 60, (rows, size, size, channels), dtype=np.uint8)
    for row, place in enumerate(label):
        image[row, :, place * size // classes : place * size // classes + 3] += 180
    return Frame("bars", {"image": image, "label": label}, [("bars", rows)])


def reviews(rows=240):
    random = np.random.default_rng(0)
    texts = []
    for row in range(rows):
        words = [*random.choice(PLAIN, 6), *random.choice(GOOD if row % 2 else BAD, 2)]
        random.shuffle(words)
        texts.append(" ".join(words))
    return frame_of(text=texts, label=["good" if row % 2 else "bad" for row in range(rows)])


def waves(rows=400):
    time = np.arange(rows)
    return frame_of("waves", up=np.sin(time / 5), down=np.cos(time / 5) * 3 + 7)


def overfit_one_batch(task, steps=50, to=0.05):
    batch = task.loader().batch(0)
    task.train(False)
    for _ in range(steps):
        task.learners["network"].step(batch)
    loss, _ = task.learners["network"].loss(task.learners["network"].module, batch)
    assert loss < to


SMALL = {"memory_size": 16, "heads": 2, "hidden": (32,), "learning_rate": 1e-2, "memory_length": 8}
"""A network that learns a batch in a moment."""
