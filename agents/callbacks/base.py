"""What a callback is: something that watches a training, adds to its record, and may stop it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandlot.tracking import SandlotError

if TYPE_CHECKING:
    from sandlot.agents.training import Training
    from sandlot.envs import Step


class Callback:
    """Watch a training. Override the hooks you need; returning False from one stops the training.

    Each gets the `Training`: its `agent`, `env_step`, `run`, `latest_return`, and `log` and `stop`. A hook that
    raises stops the training too: the run is checkpointed and closed first, then the error is raised.

    Example:
        class StopAtMidnight(Callback):
            def on_log(self, training, row):
                return datetime.now().hour != 0
    """

    def on_training_start(self, training: "Training") -> bool | None:
        """Get ready: the agent is, but has not acted yet."""

    def on_step(self, training: "Training", step: "Step") -> bool | None:
        """Watch each step of all environments. It is in the hot loop: prefer `on_update` or `on_log`."""

    def on_update(self, training: "Training", metrics: Mapping[str, float]) -> bool | None:
        """Watch the agent's updates, with their metrics; small updates are gathered until there is enough to tell."""

    def on_log(self, training: "Training", row: dict[str, float]) -> bool | None:
        """Watch each row of metrics before it is written (about 200 a training); what is added to it is, too."""

    def on_checkpoint(self, training: "Training") -> bool | None:
        """Act on a new checkpoint of the run, that of `training.env_step`. There are none without a run."""

    def on_training_end(self, training: "Training") -> bool | None:
        """Finish, however the training ended: `training.outcome` tells."""


Callbacks = Callback | Sequence[Callback] | None
"""What `learn(callback=…)` takes."""
HOOKS = ("on_training_start", "on_step", "on_update", "on_log", "on_checkpoint", "on_training_end")


class CallbackList:
    """Several callbacks, of which only the hooks that they override are called."""

    def __init__(self, callbacks: Callbacks):
        self.callbacks: list[Callback] = [callbacks] if isinstance(callbacks, Callback) else _checked(callbacks)
        self.overriding: dict[str, list[Callback]] = {
            hook: [one for one in self.callbacks if getattr(type(one), hook) is not getattr(Callback, hook)]
            for hook in HOOKS
        }
        """For each hook, the callbacks that override it."""


def _checked(callbacks: Any) -> list[Callback]:
    several = () if callbacks is None else callbacks if isinstance(callbacks, Sequence) else [callbacks]
    for callback in several:
        if not isinstance(callback, Callback):
            kind = f"the class {callback.__name__}" if isinstance(callback, type) else f"a {type(callback).__name__}"
            raise SandlotError(f"a callback must be an instance of sandlot.agents.callbacks.Callback, not {kind}")
    return list(several)
