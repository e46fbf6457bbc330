"""Dispatch `sandlot COMMAND` to the module of the command."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

from sandlot.tracking.common.errors import DEBUG, SandlotError, hint
from sandlot.tracking.common.extensions import add_working_folder
from sandlot.tracking.common.terminal import discard_output, open_closed_streams

COMMANDS = {
    "train": None,
    "describe": None,
    "envs": "Envs",
    "evaluate": "Evaluate",
    "record": "Record",
    "play": "Play",
    "resume": "Resume",
    "compare": "Compare",
    "sweep": "Sweep",
    "predict": "Predict",
    "sample": "Sample",
    "reconstruct": "Reconstruct",
    "interpolate": "Interpolate",
    "anomalies": "Anomalies",
    "latents": "Latents",
    "compress": "Compress",
    "fidelity": "Fidelity",
    "list": "ListRuns",
    "agents": None,
    "data": None,
}
"""Class of each command's options in `sandlot.cli.options`; those of `train` and `describe` vary."""
MODULES = {"list": "list_runs"}
"""For commands whose names are Python's, their modules."""
MISTAKE, KILLED_BY, PIPE = 2, 128, 13
LEARNING = ("train", "resume", "describe")
"""Commands in which code of the user's own may fail, and its traceback is wanted; the others only read a run."""
OVERVIEW = """usage: sandlot COMMAND …

Train reinforcement-learning agents, generative models and other tasks, track them in Weights & Biases, and record
videos of them.

commands:
  train AGENT ENV    train an agent            sandlot train ppo CartPole-v1
  train TASK DATA    train a task on data      sandlot train classifier digits
  evaluate RUN       evaluate or test          sandlot evaluate latest
  record RUN         record a video            sandlot record latest --overlay
  play RUN           watch or play against it  sandlot play latest
  resume RUN         resume a stopped run      sandlot resume latest
  compare RUN RUN …  compare runs              sandlot compare RUN RUN
  sweep FILE         search hyperparameters    sandlot sweep sweep.yaml
  predict RUN FILE … predict new data          sandlot predict latest new.csv --json
  sample RUN         generate text or images   sandlot sample latest --prompt "Once"
  reconstruct RUN    encode and decode         sandlot reconstruct latest
  interpolate RUN    interpolate latents       sandlot interpolate latest
  latents RUN        plot the latent space     sandlot latents latest
  anomalies RUN      detect anomalies          sandlot anomalies latest
  compress RUN       rate-distortion curve     sandlot compress latest
  fidelity RUN       FID, precision, recall    sandlot fidelity latest
  envs [WORD]        list environments         sandlot envs minigrid
  describe AGENT ENV describe its networks     sandlot describe ppo CartPole-v1 --network lstm
  list               list runs                 sandlot list
  agents             list agents and tasks     sandlot agents
  data               list data sets            sandlot data

`sandlot COMMAND --help` shows a command's options, `sandlot train AGENT --help` an agent's, `--help-all` all of them.
RUN is a run's folder or name; "latest" names the newest.
"""

DESCRIBE = """usage: sandlot describe AGENT ENV [options]
       sandlot describe TASK DATA [options]

Show the networks that would be trained, layer by layer, with their parameters.
`sandlot agents` lists agents and tasks; `sandlot describe AGENT --help` shows the options.

  sandlot describe ppo CartPole-v1 --network lstm
  sandlot describe classifier digits --network cnn
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name and return the exit status: 2 for a mistake of the user."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    open_closed_streams()
    add_working_folder()
    try:
        run_command(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SandlotError as error:
        return fail(str(error))
    except BrokenPipeError:  # the reader of our output is gone, as `head` is after its lines
        discard_output(sys.stdout)
        return KILLED_BY + PIPE
    except KeyboardInterrupt as stop:
        fail("interrupted")
        return KILLED_BY + getattr(stop, "number", signal.SIGINT)
    except OSError as error:
        if not isinstance(error.filename, str | bytes):  # no file: what we print can't be written
            discard_output(sys.stdout)
        return fail(f"{error.filename or 'the output'}: {error.strerror or error}")
    except Exception as error:
        if args[0] in LEARNING or DEBUG in os.environ:  # an error of ours, or of the user's environment
            raise
        return fail(
            f"{args[0]} can't use what it was given: {type(error).__name__}: {first_line(error)} "
            f"(with {DEBUG}=1 in the environment, it shows where)"
        )
    return 0


def fail(message: str) -> int:
    """Print an error and return the exit status of a mistake; where nothing can be printed, that is all."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"sandlot: {message}", file=sys.stderr, flush=True)
    return MISTAKE


def first_line(error: BaseException) -> str:
    """Return the first line of what `error` says."""
    return (str(error).strip().splitlines() or ["nothing more is known"])[0]


def run_command(args: list[str]) -> None:
    """Run the command that `args` name."""
    if not args or args[0] in ("-h", "--help"):
        print(OVERVIEW, end="")
        return
    if args[0] == "--version":
        print(f"sandlot {metadata.version('sandlot')}")
        return
    command, rest = args[0], args[1:]
    if command not in COMMANDS:
        raise SandlotError(f"there is no command {command!r}; {hint(command, COMMANDS)}")
    if command == "describe" and rest in ([], ["-h"], ["--help"]):
        print(DESCRIBE, end="")
        return
    module = import_module(f".{MODULES.get(command, command)}", __package__)
    module.main(rest if COMMANDS[command] is None else parse(COMMANDS[command], command, rest))


def parse(options: str | None, command: str, args: list[str]) -> Any:
    """Parse `args` as the options of `command`."""
    from .parsing import parse_options

    kind = getattr(import_module(".options", __package__), options or "")
    return parse_options(kind, args, f"sandlot {command}")
