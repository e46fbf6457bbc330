"""What a page may ask for. Anything else closes its connection."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

Key = Annotated[str, StringConstraints(min_length=1, max_length=12)]


class Message(BaseModel):
    """A message: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Go(Message):
    """Do something that needs no more words."""

    kind: Literal["play", "pause", "step", "undo", "new"]


class Speed(Message):
    """Show so many times the usual number of env steps a second."""

    kind: Literal["speed"]
    factor: Annotated[float, Field(ge=0.1, le=8.0)]


class Reset(Message):
    """Begin an episode with a seed."""

    kind: Literal["reset"]
    seed: Annotated[int, Field(ge=0, lt=2**31)]


class Control(Message):
    """Let the agent or the viewer act."""

    kind: Literal["control"]
    who: Literal["agent", "human"]


class Keys(Message):
    """These keys are down."""

    kind: Literal["keys"]
    down: Annotated[list[Key], Field(max_length=8)]


class Checkpoint(Message):
    """Take the agent of another checkpoint of the run."""

    kind: Literal["checkpoint"]
    step: Annotated[int, Field(ge=0)]


class Chance(Message):
    """Draw actions from the policy, or take the likeliest."""

    kind: Literal["chance"]
    stochastic: bool


class Move(Message):
    """Make a move in a board game."""

    kind: Literal["move"]
    action: Annotated[int, Field(ge=0, lt=10_000)]


class Side(Message):
    """Sit in a seat of a board game, and begin anew."""

    kind: Literal["side"]
    seat: Annotated[int, Field(ge=0, le=1)]


Known = Annotated[Go | Speed | Reset | Control | Keys | Checkpoint | Chance | Move | Side, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Known)


def parse(text: str) -> Message:
    """Return the message that `text` holds, or raise `ValueError`."""
    return _ADAPTER.validate_json(text)
