"""Serve the page and its WebSocket."""

import asyncio
import contextlib
import ipaddress
import json
import secrets
import socket
from collections.abc import Iterator
from importlib import resources

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect

from sandlot.tracking import SandlotError

from .mailbox import Allowance
from .messages import parse
from .session import Session
from .viewers import Viewer

KINDS = {
    "index.html": "text/html",
    "play.css": "text/css",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(("play.js", "control.js", "board.js", "draw.js"), "text/javascript"),
}
"""The page's files; nothing else is served."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
LONGEST_MESSAGE = 1_000
NOT_FROM_HERE, NOT_A_MESSAGE, FULL = 1008, 1007, 1013


def serve(session: Session, host: str, port: int) -> None:
    """Serve `session` at http://host:port until Ctrl-C."""
    token = "" if is_loopback(host) else secrets.token_urlsafe(16)
    with listening(host, port) as sock:
        port = sock.getsockname()[1]
        at = f"http://{f'[{host}]' if ':' in host else host}:{port}{f'/?token={token}' if token else ''}"
        print(f"{session.found.name} plays at {at} (Ctrl-C ends it)", flush=True)
        if token:
            print(
                "warning: other computers can reach this page. Whoever has the address with its token can watch and "
                "play, and it travels unencrypted; leave --host out to stay on this computer",
                flush=True,
            )
        config = uvicorn.Config(
            app_for(session, host, port, token),
            log_level="warning",
            ws="websockets-sansio",
            ws_max_size=LONGEST_MESSAGE,
            timeout_graceful_shutdown=1,
        )
        session.start()
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[sock])
        session.stop()


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Bind a socket, or raise `SandlotError` about why that is not possible."""
    if not host.strip():
        raise SandlotError("--host must be an address: 127.0.0.1 for this computer alone, 0.0.0.0 for others, too")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen(64)
        except (OSError, OverflowError, ValueError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SandlotError(f"can't listen on {host}, port {port}: {reason}; choose another with --port") from error
        yield sock


def app_for(session: Session, host: str, port: int, token: str = "") -> FastAPI:
    """Return the application that serves `session` to browsers that reach it as `host` or by its address."""
    app = FastAPI(openapi_url=None)
    page = resources.files(__package__ or "") / "page"

    async def file(request: Request) -> Response:
        if not reached_rightly(request.headers.get("host", ""), host, port):
            return Response("This page is only for the computer that runs it.", 403)
        if request.url.path in ("/", "/index.html") and not is_token(request.query_params.get("token"), token):
            return Response("This page needs the whole address that `sandlot play` printed, with its token.", 403)
        name = request.url.path.removeprefix("/") or "index.html"
        return Response((page / name).read_bytes(), media_type=KINDS[name], headers=HEADERS)

    for path in ("/", *(f"/{name}" for name in KINDS)):
        app.add_api_route(path, file, methods=["GET"], response_model=None)

    @app.websocket("/play")
    async def play(websocket: WebSocket) -> None:
        where = websocket.headers.get("host", "")
        if websocket.headers.get("origin") != f"http://{where}" or not reached_rightly(where, host, port):
            await websocket.close(NOT_FROM_HERE)
            return
        if not is_token(websocket.query_params.get("token"), token):
            await websocket.close(NOT_FROM_HERE)
            return
        await websocket.accept()
        viewer = Viewer(asyncio.get_running_loop())
        if not session.audience.join(viewer):
            await websocket.close(FULL, "too many look on already")
            return
        try:
            await look_on(websocket, session, viewer)
        finally:
            session.audience.leave(viewer)

    return app


def reached_rightly(where: str, host: str, port: int) -> bool:
    """Return whether the Host header `where` names this server, by its name or a plain address.

    Another name that points here may be a stranger's, whose page would then speak for the user (DNS rebinding).
    """
    name, _, given_port = where.rpartition(":")
    if given_port != str(port):
        return False
    name = name.strip("[]").lower()
    if name in ("localhost", host.lower(), socket.gethostname().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this computer reaches `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_token(said: str | None, token: str) -> bool:
    """Tell whether a browser said the `token`, if one is needed."""
    return not token or secrets.compare_digest((said or "").encode(), token.encode())


async def look_on(websocket: WebSocket, session: Session, viewer: Viewer) -> None:
    """Serve a viewer until it disconnects or sends an invalid message."""
    await websocket.send_text(json.dumps(session.hello()))
    session.greet()
    tasks = [asyncio.create_task(send(websocket, viewer)), asyncio.create_task(hear(websocket, session, viewer))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def send(websocket: WebSocket, viewer: Viewer) -> None:
    """Send the newest frame and state repeatedly, at the viewer's pace."""
    while True:
        shown = await viewer.take()
        if shown.picture is not None:
            await websocket.send_bytes(shown.picture)
        if shown.state is not None:
            await websocket.send_text(shown.state)


async def hear(websocket: WebSocket, session: Session, viewer: Viewer) -> None:
    """Pass a viewer's messages to the session, so many a second; an invalid one ends the connection."""
    allowance = Allowance()
    while True:
        try:
            text = await websocket.receive_text()
            session.ask(parse(text), viewer)
            await asyncio.sleep(allowance.wait())
        except WebSocketDisconnect:
            return
        except (ValueError, KeyError):
            with contextlib.suppress(RuntimeError):
                await websocket.close(NOT_A_MESSAGE, "that is no message of this page")
            return
