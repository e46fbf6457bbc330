"""The description of an environment, as data: what backends and games read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from sandlot.tracking.common.extensions import import_user_module

from .env_kwargs import as_json
from .opponent import Opponent
from .registry import is_game, wrappers_for
from .user_files import UserFile, file_of, find_again, plain_id
from .wrappers import NONE, Wrappers

Backend = Literal["auto", "envpool", "gymnasium"]


@dataclass(frozen=True)
class EnvDescription:
    """The id and options of an environment; `EnvSpec` adds the methods that make it."""

    id: str
    """Gymnasium or PettingZoo id; module:id imports the module first."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the environment."""
    backend: Backend = "auto"
    """Vector backend; auto uses EnvPool if it is installed, faster here, and runs the same task."""
    wrappers: Wrappers | None = None
    """Wrappers; None for the standard ones: Atari's preprocessing, else none."""
    opponent: str | None = None
    """Opponent in a turn-based game: random, scripted, self (past selves), or a run's folder."""
    opponent_policy: Opponent | None = field(default=None, compare=False)
    """Opponent as an object, where its name is not enough to find it."""
    openings: int = field(default=0, compare=False)
    """Maximum number of random moves that open half of the turn-based games; for training."""
    imports: tuple[str, ...] = ()
    """Modules to import first, which register the environment."""
    separate: bool = False
    """Train a separate network for each player, in games in which all act at once."""
    file: UserFile | None = field(default=None, compare=False)
    """The user's file that has the environment, as it was when this was recorded."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", plain_id(self.id))
        object.__setattr__(self, "kwargs", as_json(self.id, self.kwargs))
        if self.file is not None:
            find_again(self.id, self.file)

    @property
    def resolved_wrappers(self) -> Wrappers:
        """The given wrappers, or else the standard ones for the id."""
        self.import_modules()
        return wrappers_for(self.id) if self.wrappers is None else self.wrappers

    def import_modules(self) -> None:
        """Import the modules that register the environment."""
        for module in self.imports:
            import_user_module(module)

    def to_json(self) -> dict[str, Any]:
        """Return a record that `from_json` reads."""
        players = {"opponent": self.opponent, "separate": self.separate} if is_game(self.id) else {}
        wrappers = self.resolved_wrappers.to_json()
        file = self.file or file_of(self.id)
        return {
            "id": self.id,
            "kwargs": dict(self.kwargs),
            "backend": self.backend,
            "wrappers": wrappers,
            **players,
            **({"imports": list(self.imports)} if self.imports else {}),
            **({} if file is None else {"file": file._asdict()}),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the description that `to_json` recorded; without "wrappers", as in older records, it has none."""
        file = UserFile.from_json(record["file"]) if "file" in record else None
        wrappers = Wrappers.from_json(record["wrappers"]) if "wrappers" in record else NONE
        players = {name: record[name] for name in ("opponent", "separate") if name in record}
        players |= {"imports": tuple(record["imports"])} if "imports" in record else {}
        return cls(record["id"], record["kwargs"], record.get("backend", "auto"), wrappers, **players, file=file)
