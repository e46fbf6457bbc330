"""Messages of the page. Any other closes its connection."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

Key = Annotated[str, StringConstraints(min_length=1, max_length=12)]


class Message(BaseModel):
    """A message: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Go(Message):
    """A command without arguments."""

    kind: Literal["play", "pause", "step", "undo", "new"]


class Speed(Message):
    """Set the playback speed, a multiple of the usual env steps per second."""

    kind: Literal["speed"]
    factor: Annotated[float, Field(ge=0.1, le=8.0)]


class Reset(Message):
    """Reset with a seed."""

    kind: Literal["reset"]
    seed: Annotated[int, Field(ge=0, lt=2**31)]


class Control(Message):
    """Choose who acts: the agent or the viewer."""

    kind: Literal["control"]
    who: Literal["agent", "human"]


class Keys(Message):
    """The keys that are pressed."""

    kind: Literal["keys"]
    down: Annotated[list[Key], Field(max_length=8)]


class Checkpoint(Message):
    """Load another checkpoint of the run."""

    kind: Literal["checkpoint"]
    step: Annotated[int, Field(ge=0)]


class Chance(Message):
    """Choose stochastic or deterministic actions."""

    kind: Literal["chance"]
    stochastic: bool


class Move(Message):
    """Make a move in a board game."""

    kind: Literal["move"]
    action: Annotated[int, Field(ge=0, lt=10_000)]


class Side(Message):
    """Choose a seat of a board game, and start a new game."""

    kind: Literal["side"]
    seat: Annotated[int, Field(ge=0, le=1)]


Known = Annotated[Go | Speed | Reset | Control | Keys | Checkpoint | Chance | Move | Side, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Known)


def parse(text: str) -> Message:
    """Parse a message, or raise `ValueError`."""
    return _ADAPTER.validate_json(text)
