"""Every example runs, with few steps."""

import runpy
import sys
from pathlib import Path

import gymnasium
import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SCRIPTS = {
    "classify_csv": ("--steps 20", ["random forest", "confidence"], ["wine.csv"]),
    "compare_dqn_variants": ("--steps 400 --seeds 1", ["3-step"], ["dqn-variants.png"]),
    "conditional_gan": ("--steps 4", ["(16, 1, 8, 8)"], ["cgan-digits.png"]),
    "custom_agent": ("--steps 8_000", ["return"], []),
    "custom_environment": ("--steps 2_048", ["before", "after"], ["docking.mp4"]),
    "custom_network": ("--steps 1_500", ["mlp", "last three"], []),
    "load_sb3_zip": ("--steps 1", ["sb3:ppo return"], ["sb3-model.mp4"]),
    "self_play": ("--steps 1_000 --games 10", ["after  against scripted"], []),
    "stop_at_return": ("--steps 20_000 --value 12", ["stopped after", "have a mean return of 12"], []),
    "train_and_film": ("--steps 2_000", ["return", "step-000000000.mp4"], ["runs"]),
    "vae_digits": ("--steps 14", ["elbo"], ["vae-samples.png", "vae-reconstructions.png", "vae-codes.png"]),
}
"""For each script, its options, some of what it prints, and files that it writes."""
SLOW = ("classify_csv", "load_sb3_zip", "train_and_film", "vae_digits")
NOTEBOOKS = ("comparing_runs", "generative_models", "getting_started")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield tmp_path
    for name, spec in list(gymnasium.registry.items()):
        if getattr(spec.entry_point, "__module__", "") == "__main__":  # a script's own
            del gymnasium.registry[name]


def test_each_example_is_tested_and_listed():
    listed = (EXAMPLES / "README.md").read_text()
    assert {path.stem for path in EXAMPLES.glob("*.py")} == SCRIPTS.keys()
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(NOTEBOOKS)
    for path in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("*.ipynb")):
        assert f"({path.name})" in listed
        assert path.suffix == ".ipynb" or len(path.read_text().splitlines()) <= 60, f"{path.name} has grown too long"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SCRIPTS]
)
def test_script_runs(name, monkeypatch, capsys, own_folder):
    options, said, files = SCRIPTS[name]
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *options.split()])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    for words in said:
        assert words in printed
    for file in files:
        assert (own_folder / file).exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name, monkeypatch, own_folder):
    nbformat = pytest.importorskip("nbformat", reason="needs the extra examples")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra examples")
    monkeypatch.setenv("SANDLOT_EXAMPLE_STEPS", "14" if name == "generative_models" else "2000")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear the outputs before committing"
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(own_folder)}}
    )
    client.execute()
