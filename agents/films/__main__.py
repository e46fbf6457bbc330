"""The worker process that films checkpoints while a run trains."""

import sys
from pathlib import Path

from .worker import serve

folder, *user_folders = sys.argv[1:]
sys.path += user_folders  # where the modules of the user's own agents and environments are
serve(Path(folder))
