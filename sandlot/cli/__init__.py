"""`sandlot`: from the command line's words to one of the commands."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

from sandlot.tracking.common.errors import SandlotError
from sandlot.tracking.common.extensions import add_working_folder

COMMANDS = {
    "train": None,
    "describe": None,
    "evaluate": "Evaluate",
    "record": "Record",
    "play": "Play",
    "resume": "Resume",
    "compare": "Compare",
    "predict": "Predict",
    "sample": "Sample",
    "reconstruct": "Reconstruct",
    "interpolate": "Interpolate",
    "anomalies": "Anomalies",
    "latents": "Latents",
    "compress": "Compress",
    "fidelity": "Fidelity",
}
"""For each command, its options in `sandlot.options`; those of `train` and `describe` depend on what is trained."""
MISTAKE, KILLED_BY, PIPE = 2, 128, 13
OVERVIEW = """usage: sandlot COMMAND …

Train reinforcement-learning agents, and networks on data, track them in Weights & Biases, and film them.

commands:
  train AGENT ENV    train an agent            sandlot train ppo CartPole-v1
  train TASK DATA    fit a network to data     sandlot train classifier digits
  evaluate RUN       play or test, report      sandlot evaluate latest
  record RUN         film the agent            sandlot record latest --overlay
  play RUN           watch it, play against it sandlot play latest
  resume RUN         go on with a stopped run  sandlot resume latest
  compare RUN RUN …  set runs side by side     sandlot compare RUN RUN
  predict RUN FILE … predict new data          sandlot predict latest new.csv --json
  sample RUN         write or make something   sandlot sample latest --prompt "Once"
  reconstruct RUN    encode and decode         sandlot train vae digits; sandlot reconstruct latest
  interpolate RUN    film a walk among codes   sandlot interpolate latest
  latents RUN        map the codes             sandlot latents latest
  anomalies RUN      find what is strange      sandlot train vae digits --held-out 7; sandlot anomalies latest
  compress RUN       rate against error        sandlot compress latest
  fidelity RUN       FID, precision, recall    sandlot fidelity latest
  describe AGENT ENV show an agent's networks  sandlot describe ppo CartPole-v1 --network lstm

`sandlot COMMAND --help` shows a command's options, `sandlot train AGENT --help` an agent's.
RUN is a run's folder or name; "latest" names the newest.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name and return the exit status: 2 for what the user can put right."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    add_working_folder()
    try:
        run_command(words)
        sys.stdout.flush()
    except SandlotError as error:
        print(f"sandlot: {error}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:  # the reader of what we print has gone, as `head` does; nothing can be told any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return KILLED_BY + PIPE
    except KeyboardInterrupt as stop:
        print("sandlot: interrupted", file=sys.stderr)
        return KILLED_BY + getattr(stop, "number", signal.SIGINT)
    return 0


def run_command(words: list[str]) -> None:
    """Do what `words` say."""
    if not words or words[0] in ("-h", "--help"):
        print(OVERVIEW, end="")
        return
    if words[0] == "--version":
        print(f"sandlot {metadata.version('sandlot')}")
        return
    command, rest = words[0], words[1:]
    if command not in COMMANDS:
        raise SandlotError(f"there is no command {command!r}; there are {', '.join(COMMANDS)}")
    module = import_module(f".{command}", __package__)
    module.main(rest if COMMANDS[command] is None else parse(COMMANDS[command], command, rest))


def parse(options: str | None, command: str, words: list[str]) -> Any:
    """Return the options of `command` that `words` give."""
    from .parsing import parse_options

    kind = getattr(import_module(".options", __package__), options or "")
    return parse_options(kind, words, f"sandlot {command}")
