"""The worker process that films checkpoints while a run trains."""

import sys
from pathlib import Path

from .worker import serve

serve(Path(sys.argv[1]))
