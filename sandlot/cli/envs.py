"""`sandlot envs`: the environments there are, by the package that has them."""

from rich.console import Console

from sandlot.envs.games.pettingzoo import all_games
from sandlot.envs.names import listing
from sandlot.tracking import SandlotError

from .options import Envs


def main(options: Envs) -> None:
    """Print the ids that have the word in them."""
    word = options.word.lower()
    games = [env for env in all_games() if word in env.lower()]
    found = [*listing(word), *([("multi-agent games", games)] if games else [])]
    if not found:
        raise SandlotError(f"no environment, nor a package that is known, has {options.word!r} in its name")
    console = Console()
    for package, ids in found:
        console.print(f"{package}", style="bold", highlight=False)
        console.print("  " + "  ".join(ids), highlight=False)
