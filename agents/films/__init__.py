"""Films of agents at play, with an overlay of what they expect."""

from .film import Clip, FilmedEpisode, FilmOptions, film_episodes
from .worker import FILM_SEED, FilmWorker, film_path

__all__ = ["FILM_SEED", "Clip", "FilmOptions", "FilmWorker", "FilmedEpisode", "film_episodes", "film_path"]
