"""`sandlot agents`: all that can be trained."""

from .registry import listing


def main(_: list[str]) -> None:
    """Print the page."""
    print(listing(), end="")
