"""Films of agents at play, and of what they think."""

from .film import Look, Take, film
from .worker import FILM_SEED, Films, film_path

__all__ = ["FILM_SEED", "Films", "Look", "Take", "film", "film_path"]
