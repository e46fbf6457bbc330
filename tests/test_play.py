"""The page: what it hears, whom it lets in, and whole games in a real browser."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

pytest.importorskip("fastapi", reason='the page needs the extra "play"')

import websockets
from fastapi import WebSocketDisconnect
from fastapi.testclient import TestClient
from gymnasium import spaces
from websockets.sync.client import ClientConnection, connect

from sandlot.agents import DQN, PPO
from sandlot.agents.multi_agent import agent_for
from sandlot.cli import main
from sandlot.cli.target import ResolvedTarget
from sandlot.envs import EnvSpec
from sandlot.envs.games import TicTacToe
from sandlot.play.keyboard import DOWN, LEFT, RIGHT, UP, keyboard_for
from sandlot.play.mailbox import MOST_WAITING, Allowance, Mailbox
from sandlot.play.messages import Checkpoint, Keys, Move, Speed, parse
from sandlot.play.server import app_for, is_loopback, listening, reached_rightly
from sandlot.play.sessions import session_for
from sandlot.play.viewers import MOST, Audience, Viewer
from sandlot.tracking import Run, SandlotError
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
GAME = "pettingzoo/tictactoe_v3"
TINY = {"num_envs": 2, "num_steps": 8, "batch_size": 16, "hidden": (8,)}


# -- what is said ----------------------------------------------------------------------------------------------------


def test_messages_are_read_strictly():
    assert parse('{"kind": "move", "action": 3}') == Move(kind="move", action=3)
    assert parse('{"kind": "speed", "factor": 2}') == Speed(kind="speed", factor=2)
    assert parse('{"kind": "keys", "down": ["a", "arrowleft"]}') == Keys(kind="keys", down=["a", "arrowleft"])


@pytest.mark.parametrize(
    "rubbish",
    [
        "", "no json", "[]", "{}", "null", '{"kind": "evil"}', '{"kind": "move"}', '{"kind": "move", "action": "3"}',
        '{"kind": "move", "action": -1}', '{"kind": "move", "action": 3.5}', '{"kind": "move", "action": true}',
        '{"kind": "move", "action": 3, "path": "/etc"}', '{"kind": "speed", "factor": 1e9}',
        '{"kind": "speed", "factor": NaN}', '{"kind": "reset", "seed": 4294967296}',
        '{"kind": "checkpoint", "step": "../../x"}', '{"kind": "keys", "down": ["' + "x" * 13 + '"]}',
        '{"kind": "keys", "down": ' + json.dumps(["a"] * 9) + "}",
    ],
)  # fmt: skip
def test_rubbish_is_no_message(rubbish: str):
    with pytest.raises(ValueError):
        parse(rubbish)


def test_only_names_that_are_meant_reach_the_page():
    here = ("127.0.0.1", 8400)
    for good in ("127.0.0.1:8400", "localhost:8400", "[::1]:8400", "192.168.1.7:8400"):
        assert reached_rightly(good, *here), good
    for bad in ("evil.example:8400", "127.0.0.1:80", "127.0.0.1", "", "127.0.0.1.evil.example:8400"):
        assert not reached_rightly(bad, *here), bad


# -- keys ------------------------------------------------------------------------------------------------------------


def test_keys_of_environments():
    cart = keyboard_for(gymnasium.make("CartPole-v1"))
    assert (cart.action([LEFT], 0), cart.action(["d"], 0)) == (0, 1)
    assert [cart.action([], time) for time in range(4)] == [0, 1, 0, 1], "no key is no push on average"
    car = keyboard_for(gymnasium.make("MountainCar-v0"))  # its own mapping, in pygame 1's key codes
    assert (car.action([LEFT], 0), car.action([], 0), car.action([RIGHT], 0)) == (0, 1, 2)
    lake = keyboard_for(gymnasium.make("FrozenLake-v1"))
    assert lake.waits
    assert [lake.action([key], 0) for key in (LEFT, DOWN, RIGHT, UP)] == [0, 1, 2, 3]
    pendulum = keyboard_for(gymnasium.make("Pendulum-v1"))
    assert [pendulum.action(keys, 0).tolist() for keys in ([LEFT], [RIGHT], [])] == [[-2], [2], [0]]
    assert keyboard_for(SimpleNamespace(action_space=spaces.Box(-1, 1, (6,)), spec=None)) is None


def test_the_largest_combination_of_keys_counts():
    class Shooter(gymnasium.Env):
        action_space = spaces.Discrete(4)

        def get_keys_to_action(self):
            return {("e",): 0, ("a",): 1, (" ",): 2, ("a", " "): 3}

    keyboard = keyboard_for(Shooter())
    assert [keyboard.action(keys, 0) for keys in ([], ["a"], [" "], [" ", LEFT, "x"])] == [0, 1, 2, 3]
    assert [button["sign"] for button in keyboard.buttons] == ["e", "a", "␣"]


# -- viewers ---------------------------------------------------------------------------------------------------------


def test_a_slow_viewer_gets_the_newest_and_holds_nobody_up():
    async def look_on():
        viewer, audience = Viewer(asyncio.get_running_loop()), Audience()
        assert audience.join(viewer)
        begin = time.perf_counter()
        for number in range(10_000):
            audience.show(b"%d" % number, None)
        audience.show(None, "state")
        assert time.perf_counter() - begin < 5
        shown = await asyncio.wait_for(viewer.take(), 5)
        assert (shown.picture, shown.state) == (b"9999", "state")
        audience.show(b"next", None)
        return await asyncio.wait_for(viewer.take(), 5)

    assert asyncio.run(look_on()) == (b"next", None)


# -- sessions --------------------------------------------------------------------------------------------------------


def found(env_spec: EnvSpec, kind=PPO, **options) -> ResolvedTarget:
    return ResolvedTarget(
        kind(env_spec, **(TINY if kind is PPO else {"hidden": (8,)}), **options), env_spec, None, "test"
    )


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@contextmanager
def playing(env_spec: EnvSpec, kind=PPO):
    session = session_for(found(env_spec, kind), 0, deterministic=True)
    session.start()
    try:
        yield session
    finally:
        session.stop()
        assert not session._thread.is_alive()


def test_a_game_is_played_taken_back_won_and_counted():
    with playing(EnvSpec(GAME)) as session:
        until(lambda: hasattr(session, "action_info"))
        for _ in range(9):
            if session.over:
                break
            until(lambda: session.over or session.games.turn[0] == 0)
            moves = len(session.moves)
            if not session.over:
                session.ask(Move(kind="move", action=session.state()["legal"][0]))
                until(lambda moves=moves: len(session.moves) > moves)
        assert session.over
        assert sum(session.tally.values()) == 1
        state = session.state()
        assert state["turn"] is None
        assert len(state["line"]) == (0 if state["winner"] is None else 3)
        before = list(session.moves)
        session.ask(parse('{"kind": "undo"}'))
        until(lambda: not session.over)
        assert session.moves == before[: len(session.moves)]
        assert session.games.turn[0] == 0
        session.ask(parse('{"kind": "side", "seat": 1}'))
        until(lambda: len(session.moves) == 1 and session.seat == 1)


def test_a_move_that_is_not_possible_is_refused_in_words():
    with playing(EnvSpec(GAME)) as session:
        until(lambda: hasattr(session, "action_info"))
        for action in (4, 4):
            until(lambda: session.games.turn[0] == 0)
            session.ask(Move(kind="move", action=action))
            until(lambda: session.problem or session.moves)
        until(lambda: session.problem == "that move is not possible" or session.problem == "it is not your turn")
        session.ask(Move(kind="move", action=9_999))
        until(lambda: session.problem)
        assert session._thread.is_alive()


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_an_environment_is_watched_paused_stepped_reset_and_taken_over(kind):
    with playing(EnvSpec("CartPole-v1"), kind) as session:
        until(lambda: getattr(session, "step", 0) > 3 or session.seed > 0)
        session.ask(parse('{"kind": "pause"}'))
        session.ask(parse('{"kind": "reset", "seed": 7}'))
        until(lambda: (session.seed, session.step) == (7, 0))
        session.ask(parse('{"kind": "step"}'))
        until(lambda: session.step == 1)
        action_info = session.state()["action_info"]
        assert len(action_info["probability" if kind is PPO else "action_value"]) == 2
        assert isinstance(action_info["value"], float)
        session.ask(parse('{"kind": "control", "who": "human"}'))
        session.ask(parse('{"kind": "keys", "down": ["arrowleft"]}'))
        session.ask(parse('{"kind": "reset", "seed": 7}'))
        session.ask(parse('{"kind": "play"}'))
        until(lambda: session.over)
        assert session.total <= 11, "pushed to the left all the time, the pole falls within a dozen steps"
        assert json.dumps(session.state())


def test_where_nothing_moves_by_itself_it_waits_for_a_key():
    with playing(EnvSpec("FrozenLake-v1")) as session:
        until(lambda: hasattr(session, "action_info"))
        session.ask(parse('{"kind": "control", "who": "human"}'))
        session.ask(parse('{"kind": "reset", "seed": 1}'))
        until(lambda: session.seed == 1 and session.human)
        time.sleep(0.6)
        assert session.step == 0
        session.ask(parse('{"kind": "keys", "down": ["arrowdown"]}'))
        until(lambda: session.step == 1)
        time.sleep(0.6)
        assert session.step == 1


def test_all_masked_is_a_finished_game_and_no_crash():
    game = TicTacToe(1)
    game.pieces[0] = [0b111, 0b111000]
    game.terminated[0] = True
    agent = PPO(EnvSpec(GAME, opponent="random"), **TINY)
    action, _ = agent.predict({k: v[0] for k, v in game.observe(np.zeros(1, int), np.zeros(1, int)).items()})
    assert 0 <= action < 9


# -- the server ------------------------------------------------------------------------------------------------------


class Server:
    """`sandlot play` in a process of its own."""

    def __init__(self, run: str, port: int = 0):
        command = [sys.executable, "-m", "sandlot", "play", run, "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "plays at http://" in line, self.process.stderr.read()
        self.url = line[line.index("http://") :].split()[0]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.said = self.process.communicate(timeout=30)
        return self.process.returncode


@contextmanager
def served(run: str, port: int = 0):
    server = Server(run, port)
    try:
        yield server
    finally:
        status = server.stop()
    assert (status, server.said[1]) == (0, "")


def untrained(env: str) -> str:
    """Return the name of a run whose agent has learned nothing yet."""
    agent = agent_for(PPO, env, config=PPO.Config(**TINY))
    config = {"agent": "ppo", "env": agent.env_factory.env_spec.to_json(), "seed": 0, "steps": 1}
    with Run.create(runs(), "untrained", config, wandb="disabled") as run:
        run.save(0, agent.tensors(), agent.state())
        run.finish({"status": "finished"})
    return run.folder.name


def opened(server: Server, **options):
    return connect(
        server.url.replace("http", "ws") + "/play",
        **({"origin": server.url, "ping_interval": None, "close_timeout": 2} | options),
    )


def test_strangers_rubbish_crowds_and_the_vanished_leave_the_server_up():
    with served(untrained("CartPole-v1")) as server, ExitStack() as stack:

        def come() -> ClientConnection:
            return stack.enter_context(opened(server))

        for origin in ("http://evil.example", None):
            with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
                opened(server, origin=origin).__enter__()
        for rubbish in ("rubbish", b"\x00\x01", "x" * 5_000, '{"kind": "checkpoint", "step": "x"}'):
            with opened(server) as client:
                assert json.loads(client.recv())["hello"] == "control"
                client.send(rubbish)
                assert closing_code(client) in (1003, 1007, 1009)
        vanished = come()
        vanished.send('{"kind": "speed", "factor": 0.1}')
        vanished.recv()
        vanished.socket.shutdown(socket.SHUT_RDWR)
        crowd = [come() for _ in range(50)]
        for client in crowd:
            assert json.loads(client.recv(timeout=20))["env"] == "CartPole-v1"
            picture = next(said for said in iter(lambda c=client: c.recv(timeout=20), None) if isinstance(said, bytes))
            assert picture[:3] == b"\xff\xd8\xff"
        more = [come() for _ in range(MOST - len(crowd) + 5)]
        assert closing_code(more[-1]) == 1013
        for client in crowd + more:
            with suppress(OSError):  # those who found no room are closed already
                client.socket.shutdown(socket.SHUT_RDWR)
        stack.close()
        until(lambda: can_look_on(server))


def closing_code(client) -> int:
    """Return why the server closed the connection of `client`."""
    while True:
        try:
            client.recv(timeout=20)
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd.code


def can_look_on(server: Server) -> bool:
    try:
        with opened(server) as client:
            return "hello" in json.loads(client.recv(timeout=20))
    except websockets.exceptions.WebSocketException:
        return False


def test_who_floods_waits_for_himself():
    box = Mailbox()
    for number in range(1000):
        box.put(("flood", number), "flood")
    box.put(("honest", 0), "honest")
    assert [box.take(0) for _ in range(3)] == [("flood", 0), ("honest", 0), ("flood", 1)]
    assert len(list(iter(lambda: box.take(0), None))) == MOST_WAITING - 2
    allowance = Allowance(per_second=10)
    assert [allowance.wait() for _ in range(10)] == pytest.approx([0] * 10)
    assert allowance.wait() == pytest.approx(0.1, abs=0.02)


def test_a_flood_leaves_the_others_their_pictures():
    with served(untrained("CartPole-v1")) as server, opened(server) as viewer, opened(server) as flood:
        flooding = threading.Event()

        def send():
            with suppress(websockets.exceptions.WebSocketException, OSError):
                while not flooding.is_set():
                    flood.send('{"kind": "keys", "down": ["a"]}')

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        end, pictures = time.monotonic() + 2, 0
        while time.monotonic() < end:
            pictures += isinstance(viewer.recv(timeout=5), bytes)
        flooding.set()
        flood.socket.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        assert pictures > 20


def test_what_goes_wrong_is_shown_and_the_play_goes_on():
    with playing(EnvSpec("CartPole-v1")) as session:
        shown = []
        session.audience.show = lambda picture, state: shown.append(json.loads(state))
        session.audience.join(object())
        step, session.env.step = session.env.step, lambda action: 1 / 0
        until(lambda: any("ZeroDivisionError" in state["problem"] for state in shown))
        session.env.step = step
        before = session.step
        until(lambda: session.step > before + 3)
        session.checkpoints = [7]
        session.ask(Checkpoint(kind="checkpoint", step=7))
        until(lambda: any("AttributeError" in state["problem"] for state in shown))
        before = session.step
        until(lambda: session.step != before)


def test_beyond_this_computer_a_token_is_needed(capsys):
    app = app_for(session_for(found(EnvSpec("CartPole-v1")), 0, deterministic=True), "0.0.0.0", 80, "secret")
    with TestClient(app, base_url="http://127.0.0.1:80", headers={"host": "127.0.0.1:80"}) as client:
        statuses = {
            query: client.get(f"/{query}").status_code for query in ("", "?token=", "?token=x", "?token=secret")
        }
        assert statuses == {"": 403, "?token=": 403, "?token=x": 403, "?token=secret": 200}
        for query, allowed in (("", False), ("?token=x", False), ("?token=secret", True)):
            try:
                with client.websocket_connect(
                    f"/play{query}", headers={"host": "127.0.0.1:80", "origin": "http://127.0.0.1:80"}
                ):
                    assert allowed, query
            except WebSocketDisconnect:
                assert not allowed, query
            except CancelledError:  # as the client closes the connection
                assert allowed, query
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "192.168.1.7", "pc")] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip
    for host in ("", " "):
        with pytest.raises(SandlotError, match="--host must be an address"):
            listening(host, 0).__enter__()


def test_mistakes_are_named(capsys):
    run = untrained("CartPole-v1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["play", run, "--port", str(port)]) == 2
        assert f"can't listen on 127.0.0.1, port {port}" in capsys.readouterr().err
    assert main(["play", run, "--port", "70000"]) == 2
    assert "--port must be between 0 and 65535" in capsys.readouterr().err
    assert main(["play", "nobody"]) == 2
    assert "there is no run 'nobody'" in capsys.readouterr().err
    with pytest.raises(SandlotError, match="choose another"):
        listening("256.0.0.1", 0).__enter__()


# -- a browser -------------------------------------------------------------------------------------------------------


@pytest.fixture
def page():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(30_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        strange: list[str] = []
        page.on("request", lambda request: strange.append(request.url))
        yield page
        assert not errors
        assert all(re.match(r"(http|ws)://127\.0\.0\.1:|blob:|data:", url) for url in strange), "nothing from elsewhere"
        browser.close()


def live(page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#link[data-on=true]")


def figure(page, index: int) -> int:
    """Return one of the numbers on the side."""
    return int(page.locator("#numbers dd").nth(index).inner_text())


@pytest.mark.slow
def test_in_a_browser_games_are_won_and_lost_and_it_comes_back(page):
    run = untrained(GAME)
    with served(run) as server:
        live(page, server.url)
        page.check("#stochastic")
        for well in (True, False):
            wanted = 0 if well else 2
            for _ in range(40):  # the agent knows nothing, so that both come soon
                play_a_game(page, well=well)
                if figure(page, wanted):
                    break
            assert figure(page, wanted), "won" if well else "lost"
        assert page.locator(".cell.won").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
        port = server.port
    page.wait_for_selector("#link[data-on=false]")
    with served(run, port):
        page.wait_for_selector("#link[data-on=true]")
        page.wait_for_selector(".cell.legal")


def play_a_game(page, *, well: bool) -> None:
    """Play from the seat that begins: centre and corners first, or last."""
    page.click("#new")
    until(lambda: figure(page, 4) == 1)
    order = (4, 0, 2, 6, 8, 1, 3, 5, 7) if well else (1, 3, 5, 7, 8, 6, 2, 0, 4)
    while True:
        until(lambda: "thinks" not in page.locator("#verdict").inner_text())
        if page.locator("#verdict").inner_text() != "Your move":
            return
        moves = figure(page, 4)
        open_cells = [cell for cell in order if page.locator(f"[data-cell='{cell}'].legal").count()]
        if open_cells:
            page.click(f"[data-cell='{open_cells[0]}']")
            until(lambda moves=moves: figure(page, 4) != moves or page.locator(".cell.legal").count() == 0)


@pytest.mark.slow
def test_in_a_browser_an_environment_is_watched_and_taken_over(page):
    with served(untrained("CartPole-v1")) as server:
        live(page, server.url)
        until(lambda: page.evaluate("Number(document.getElementById('picture').dataset.shown || 0)") > 10)
        assert page.locator(".bar").count() == 2
        page.click("#human")
        page.wait_for_selector("#pad:not([hidden])")
        page.keyboard.down("ArrowLeft")
        page.wait_for_selector("#pad .down")
        page.wait_for_selector("#end:not([hidden])")
        page.keyboard.up("ArrowLeft")
        page.click("#human")
        page.wait_for_selector("#pad[hidden]", state="attached")
        page.click("#pause")
        until(lambda: page.locator("#pause").inner_text() == "Play")
        page.fill("#seed", "42")
        page.click("#seeding button")
        until(lambda: figure(page, 2) == 0)
        page.click("#step")
        until(lambda: figure(page, 2) == 1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
