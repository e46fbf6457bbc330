"""A picture in a file, which notebooks show."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture(os.PathLike[str]):
    """A PNG file: a path for functions that take one, an image in a notebook."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.path.read_bytes()).decode()
        return f'<img alt="learning curve" style="max-width:100%;width:44em" src="data:image/png;base64,{data}">'
