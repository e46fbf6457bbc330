"""How many pictures a second the page of `sandlot play` gets: with one viewer, and beside one who doesn't read.

    python -m benchmarks.page RUN | tee benchmarks/results/page.txt

Speed 8 asks for more than anyone can see, so what is counted is what the server can do.
"""

import argparse
import json
import subprocess
import sys
import time

from websockets.sync.client import ClientConnection, connect

from benchmarks.statistics import machine

SECONDS = 5.0


def main() -> None:
    """Measure the run that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run")
    options = parser.parse_args()
    print(machine("fastapi", "uvicorn", "websockets", "pillow"))
    command = [sys.executable, "-m", "sandlot", "play", options.run, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        url = line[line.index("http://") :].split()[0]
        where = {"uri": url.replace("http", "ws") + "/play", "origin": url, "ping_interval": None}
        with connect(**where, max_queue=None) as viewer:
            hello = json.loads(viewer.recv())
            viewer.send(json.dumps({"kind": "speed", "factor": 8.0}))
            print(f"{hello['env_spec']}, one viewer: {rate(viewer):.0f} pictures a second")
            with connect(**where, max_queue=1):  # it never reads
                print(
                    f"{hello['env_spec']}, beside one who doesn't read: {rate(viewer):.0f} pictures a second",
                    flush=True,
                )
                server.terminate()


def rate(viewer: ClientConnection) -> float:
    """Return the pictures that `viewer` gets in a second."""
    pictures, begin = 0, time.perf_counter()
    while (now := time.perf_counter()) - begin < SECONDS:
        pictures += isinstance(viewer.recv(), bytes)
    return pictures / (now - begin)


if __name__ == "__main__":
    main()
