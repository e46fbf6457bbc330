"""`sandlot play`: watch an agent live in the browser, and play with it or against it."""

from typing import TYPE_CHECKING

from sandlot.tracking import SandlotError, require

if TYPE_CHECKING:
    from .options import Play


def main(options: "Play") -> None:
    """Run the command."""
    require(0 <= options.port <= 65_535, "--port must be between 0 and 65535", options.port)
    require(0 <= options.seed < 2**31, "--seed must be at least 0 and fit into 31 bits", options.seed)
    try:
        from sandlot.play.server import serve
    except ModuleNotFoundError as error:
        raise SandlotError(
            f"the page needs the package {error.name!r}, which is not installed; "
            'install it with: pip install "sandlot[play]"'
        ) from error
    from sandlot.cli.target import find
    from sandlot.play.sessions import session_for

    serve(session_for(find(options), options.seed, deterministic=not options.stochastic), options.host, options.port)
