"""`sandlot train`: train an agent, or a task on data."""

from importlib import import_module

from .registry import is_task, listing


def main(args: list[str]) -> None:
    """Run the command: `args` begin with the name of an agent or task."""
    if not args or args[0].startswith("-"):
        print(listing(), end="")
        return
    module = "train_task" if is_task(args[0]) else "train_agent"
    import_module(f".{module}", __package__).main(args)
