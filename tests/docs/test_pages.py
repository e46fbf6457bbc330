"""The documentation's code runs, its commands parse, and its links lead somewhere."""

import importlib.util
import shutil
import subprocess
import sys

import gymnasium
import pytest

from sandlot.agents.registry import agent_class
from sandlot.cli import COMMANDS, parse, train_agent, train_task
from sandlot.cli.registry import is_task, task_class
from sandlot.tracking import SandlotError

from .pages import PAGES, ROOT, blocks, commands, links


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """An empty folder, from which modules can be imported; they and what they register are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setenv("WANDB_MODE", "disabled")
    yield tmp_path
    own = {name for name, module in sys.modules.items() if str(tmp_path) in (getattr(module, "__file__", None) or "")}
    for name in own:
        del sys.modules[name]
    for env, spec in list(gymnasium.registry.items()):
        if getattr(spec.entry_point, "__module__", "") in own:
            del gymnasium.registry[env]


def write_files(page, folder):
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.language == "python" for block in blocks(page))], ids=name_of
)
def test_code_runs(page, own_folder):
    """Blocks with a title are files; the others run in order, in one namespace."""
    write_files(page, own_folder)
    names = {"__name__": "page"}
    for number, block in enumerate(blocks(page)):
        if block.language == "python" and not block.file:
            exec(compile(block.text, f"{name_of(page)}, block {number + 1}", "exec"), names)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name_of)
def test_commands_parse(page, own_folder, capsys):
    write_files(page, own_folder)
    for words in commands(page):
        try:
            parse_command(*words)
        except SystemExit as done:
            if done.code != 0:
                pytest.fail(f"sandlot {' '.join(words)}\n{capsys.readouterr().err}")
        except SandlotError as error:
            if "which is not installed: pip install" not in str(error):  # of third-party environments
                raise


def parse_command(command, *words):
    """Do what `sandlot` does with the words of a command, up to doing it."""
    assert command in COMMANDS
    if COMMANDS[command] is not None:
        parse(COMMANDS[command], command, list(words))
    elif is_task(words[0]):
        train_task.parse(words[0], task_class(words[0]).Config, list(words[1:]), command)
    else:
        train_agent.parse(words[0], agent_class(words[0]).Config, list(words[1:]), command)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_links_lead_to_files(page):
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_code_and_commands_are_found():
    """A change to the pages' style must not leave these tests with nothing to do."""
    assert sum(len(commands(page)) for page in PAGES) > 80
    assert sum(block.language == "python" for page in PAGES for block in blocks(page)) > 30


def test_a_wrong_command_is_found(own_folder):
    with pytest.raises(SandlotError, match="did you mean --gamma"):
        parse_command("train", "ppo", "CartPole-v1", "--gama", "0.9")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs_autorefs") is None, reason="needs the extra docs")
def test_the_site_builds_without_a_warning(tmp_path):
    """As `make docs` does, from a copy: strict, so that a missing page, anchor or object fails."""
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(ROOT / "docs", copy / "docs")
    shutil.copy(ROOT / "mkdocs.yml", copy)
    sources = copy / "build/import-root/sandlot"
    shutil.copytree(ROOT / "sandlot", sources)
    for package in ("agents", "envs", "generative", "supervised", "tracking"):
        shutil.copytree(ROOT / package, sources / package)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"], cwd=copy, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    page = (copy / "build/site/algorithms/ppo.html").read_text()
    assert "<math" in page
    assert "clip_range_value" in page
    assert "build/import-root" not in page
