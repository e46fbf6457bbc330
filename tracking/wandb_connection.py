"""Whether W&B can be reached, and how it is asked for."""

import os
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

START_SECONDS = 4.0
"""The longest that the start of a W&B run may take before it goes on offline; WANDB_INIT_TIMEOUT changes it."""
CONNECT_SECONDS = 2.5
END_SECONDS = float(os.environ.get("SANDLOT_WANDB_TIMEOUT", 10))
"""The longest that the end of a run waits for W&B."""
FINISH_SECONDS = 0.7 * END_SECONDS
"""The part of it that is left for what W&B has not taken yet, once the rest is done."""
INTERRUPTED = 255
"""The exit code by which W&B knows that the user has stopped a run."""
MODES = {"run": "online", "shared": "online", "dryrun": "offline", "dry": "offline"}
"""Older or other words for modes that WANDB_MODE may hold."""


class NotLoggedInError(Exception):
    """There is no key for W&B."""


def mode_from(flag: str, variables: Mapping[str, str]) -> str:
    """Return the mode: that of the `flag`, else of the variables, else auto."""
    if flag != "auto":
        return flag
    if variables.get("WANDB_DISABLED", "").lower() in ("true", "1", "yes", "on"):
        return "disabled"
    word = variables.get("WANDB_MODE", "").lower()
    word = MODES.get(word, word)
    return word if word in ("online", "offline", "disabled") else "auto"


def check_connection(wandb: Any) -> None:
    """Raise an error that says why W&B can't be used online, without waiting for long."""
    if not wandb.login(prompt=False, verify=False):
        raise NotLoggedInError("not logged in to W&B: `wandb login`, or set WANDB_API_KEY")
    url = urlsplit(wandb.setup().settings.base_url)
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    if any(os.environ.get(name) or os.environ.get(name.upper()) for name in proxies) or url.hostname is None:
        return
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise ConnectionError(f"no connection to {url.hostname}: {error.strerror or error}") from error


def settings(wandb: Any, command: list[str]) -> Any:
    """Return the settings of a W&B run of the training that the user started by `command`."""
    seconds = float(os.environ.get("WANDB_INIT_TIMEOUT", START_SECONDS))
    program = os.environ.get("WANDB_PROGRAM") or (command[0] if command else "sandlot")
    chosen: dict[str, Any] = {} if "WANDB_CONSOLE" in os.environ else {"console": "off"}
    if not os.path.isfile(program):
        chosen |= {"program_relpath": os.path.basename(program), "program_abspath": program}
    return wandb.Settings(
        init_timeout=seconds,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
        program=program if os.path.isfile(program) else os.path.basename(program),
        x_stats_pid=os.getppid(),
        **chosen,
    )


def said(error: BaseException) -> str:
    """Return an error in a line."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ModuleNotFoundError) and error.name == "wandb":
        return "wandb is not installed: pip install wandb"
    if "401" in text or "nauthorized" in text:
        return "W&B refused the API key (401)"
    if isinstance(error, ConnectionError | NotLoggedInError):
        return text
    return f"{type(error).__name__}: {text}"[:300]
