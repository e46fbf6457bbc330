"""`sandlot train`: train an agent, or fit a task to data."""

from importlib import import_module

from .registry import is_task, listing


def main(words: list[str]) -> None:
    """Do what `words`, which begin with the name of what is to be trained, say."""
    if not words or words[0].startswith("-"):
        print(listing(), end="")
        return
    module = "train_task" if is_task(words[0]) else "train_agent"
    import_module(f".{module}", __package__).main(words)
