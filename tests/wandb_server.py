"""A small W&B server on 127.0.0.1, for tests of what arrives there, and of what is said when it does not.

It serves what wandb's SDK, `wandb sync`, `wandb sweep`, `wandb agent` and the parts of `wandb.Api()` that Sandlot uses
ask for. `Misbehaviour` makes it refuse, drop, hang or delay. Unlike the real server it takes any key, has one entity,
and forgets all when it is closed; like it, it keeps the last of the rows of history that have the same `_step`.
"""

import gzip
import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tests.wandb_answers import ENTITY, GraphQL

KEY = "abcdef0123" * 4


@dataclass
class Misbehaviour:
    """What befalls requests in which `where` is found ("METHOD /path OPERATION"), after a `spared` number."""

    kind: str  # a status such as "401", or "drop", "hang", "slow"
    where: str = ""
    spared: int = 0
    seconds: float = float("inf")
    delay: float = 0.5
    _until: float | None = field(default=None, init=False)

    def hits(self, what: str) -> bool:
        if not re.search(self.where, what):
            return False
        self.spared -= 1
        if self.spared >= 0:
            return False
        self._until = self._until or time.monotonic() + self.seconds
        return time.monotonic() < self._until


@dataclass
class ServedRun:
    """What has arrived of a run."""

    id: str
    project: str
    fields: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, dict[int, str]] = field(default_factory=dict)  # file: line number: line
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None

    def lines(self, name: str) -> list[str]:
        return [line for _, line in sorted(self.streams.get(name, {}).items())]

    @property
    def history(self) -> list[dict[str, Any]]:
        rows = (json.loads(line) for line in self.lines("wandb-history.jsonl"))
        return sorted({row["_step"]: row for row in rows}.values(), key=lambda row: row["_step"])

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.lines("wandb-summary.json") or ["{}"])[-1])

    @property
    def console(self) -> str:
        return "\n".join(self.lines("output.log"))

    def cut(self, step: int) -> None:
        """Forget the rows after `step`, as a rewind does."""
        kept = [json.dumps(row) for row in self.history if row["_step"] <= step]
        self.streams["wandb-history.jsonl"] = dict(enumerate(kept))


class WandbServer(ThreadingHTTPServer):
    """The server, in a thread of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, misbehaviour: Misbehaviour | None = None, rewinds: bool = False):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.misbehaviour = misbehaviour
        self.runs: dict[str, ServedRun] = {}
        self.unknown: list[str] = []
        self.requests: list[str] = []
        self.lock = threading.RLock()
        self.graphql = GraphQL(self, rewinds)

    @property
    def environment(self) -> dict[str, str]:
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY}

    @property
    def run(self) -> ServedRun:
        (run,) = self.runs.values()
        return run

    def run_called(self, name: str, project: str | None) -> ServedRun:
        return self.runs.setdefault(name, ServedRun(name, project or "uncategorized"))

    def upload_url(self, *parts: str) -> str:
        return f"{self.url}/storage/" + "/".join(quote(part, safe="") for part in parts)

    def take_stream(self, project: str, name: str, body: dict[str, Any]) -> None:
        run = self.run_called(name, project)
        for file, piece in (body.get("files") or {}).items():
            run.streams.setdefault(file, {}).update(enumerate(piece["content"], piece["offset"]))
        if body.get("complete"):
            run.exit_code = body.get("exitcode", 0)

    def store(self, path: str, data: bytes) -> None:
        kind, owner, name, *number = (unquote(part) for part in path.split("/"))
        files = self.runs[owner].files if kind == "run" else self.graphql.artifacts[owner]["files"]
        if number:  # a part of a large file
            data = files.get(name, b"") + data if number[0] != "1" else data
        files[name] = data

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that have gone."""


@contextmanager
def wandb_server(misbehaviour: Misbehaviour | None = None, **options: Any) -> Any:
    """Run a server for the length of the context."""
    server = WandbServer(misbehaviour, **options)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.misbehaviour = None
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: WandbServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        data, path = self._body(), urlsplit(self.path).path
        stream = re.fullmatch(r"/files/[^/]+/([^/]+)/([^/]+)/file_stream", path)
        body = json.loads(data) if data and (path == "/graphql" or stream) else {}
        operation = body.get("operationName") or ""
        if not operation and (found := re.search(r"\b(?:query|mutation)\s+(\w+)", body.get("query") or "")):
            operation = found[1]
        if self._misbehaves(f"{self.command} {path} {operation}".strip()):
            return
        with self.server.lock:
            if path == "/graphql":
                self._answer(self.server.graphql.answer(operation, body.get("variables") or {}))
            elif path.startswith("/storage/") and self.command == "GET":
                kind, owner, name, *_ = (unquote(part) for part in path.removeprefix("/storage/").split("/"))
                files = (
                    self.server.runs[owner].files if kind == "run" else self.server.graphql.artifacts[owner]["files"]
                )
                self._answer_bytes(files[name])
            elif path.startswith("/storage/"):
                self.server.store(path.removeprefix("/storage/"), data)
                self._answer({})
            else:
                if stream:
                    self.server.take_stream(unquote(stream[1]), unquote(stream[2]), body)
                self._answer({"exitcode": None, "limits": {}} if stream else {})

    do_GET = do_PUT = do_POST

    def _misbehaves(self, what: str) -> bool:
        self.server.requests.append(what)
        fault = self.server.misbehaviour
        if fault is None or not fault.hits(what):
            return False
        match fault.kind:
            case "slow":
                time.sleep(fault.delay)
                return False
            case "hang":
                while self.server.misbehaviour is fault and fault.hits(what):
                    time.sleep(0.05)
                self.close_connection = True
            case "drop":
                self.close_connection = True
            case status:
                self._answer({"errors": [{"message": f"refused: {status}"}]}, int(status))
        return True

    def _body(self) -> bytes:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def _answer(self, value: Any, status: int = 200) -> None:
        self._answer_bytes(json.dumps(value, default=str).encode(), status, "application/json")

    def _answer_bytes(self, data: bytes, status: int = 200, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


__all__ = ["ENTITY", "KEY", "Misbehaviour", "ServedRun", "WandbServer", "wandb_server"]
