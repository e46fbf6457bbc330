"""What a generative model knows of its data, as properties."""

from typing import Any


class Described:
    """The shape and the kind of a model's rows, and their classes, from its metadata."""

    metadata: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row: (channels, height, width) of an image, or (columns,) of a table."""
        return tuple(self.metadata["shape"])

    @property
    def makes_images(self) -> bool:
        """Whether its rows are images."""
        return self.metadata["kind"] == "images"

    @property
    def classes(self) -> list[str]:
        """Names of the classes in the training data, if it has any."""
        return self.metadata["classes"]
