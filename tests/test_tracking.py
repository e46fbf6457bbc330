import json

import numpy as np
import pytest
from PIL import Image

from sandlot.tracking import (
    RETURN,
    RETURN_HIGH,
    RETURN_LOW,
    Run,
    SandlotError,
    draw_curves,
    read_metrics,
    write_gif,
    write_video,
)
from sandlot.tracking.common.figures import luminance, readable_on
from tests.video_file import probe
from tests.wandb_file import read_history, read_records


def frames(count, height, width):
    for index in range(count):
        yield np.full((height, width, 3), 10 * index % 256, np.uint8)


@pytest.mark.parametrize(("height", "width"), [(40, 60), (41, 61), (210, 160)])
def test_videos_are_what_every_player_opens(tmp_path, height, width):
    path = tmp_path / "films" / "film.mp4"
    assert write_video(path, frames(12, height, width), 25) == 12
    assert probe(path) == ((width + width % 2, height + height % 2), True, 25.0, 12)
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


def test_a_film_that_breaks_off_leaves_nothing(tmp_path):
    def breaking():
        yield from frames(3, 40, 40)
        raise RuntimeError("the env crashed")

    with pytest.raises(RuntimeError):
        write_video(tmp_path / "film.mp4", breaking(), 25)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SandlotError, match="no frames"):
        write_video(tmp_path / "film.mp4", iter([]), 25)


def test_pictures_larger_than_screens_are_shrunk(tmp_path):
    write_video(tmp_path / "film.mp4", frames(3, 500, 3001), 25)
    assert probe(tmp_path / "film.mp4") == ((1920, 318), True, 25.0, 3)


@pytest.mark.parametrize(("fps", "shown", "size"), [(50, 25, (480, 240)), (4, 4, (480, 240)), (30, 15, (480, 240))])
def test_a_gif_is_small_and_as_fast_as_the_film(tmp_path, fps, shown, size):
    write_video(tmp_path / "film.mp4", frames(2 * fps, 300, 600), fps)
    write_gif(tmp_path / "film.gif", tmp_path / "film.mp4")
    with Image.open(tmp_path / "film.gif") as picture:
        durations = []
        for index in range(picture.n_frames):
            picture.seek(index)
            durations.append(picture.info["duration"])
        assert picture.size == size
        assert picture.info["loop"] == 0
    assert len(durations) == 2 * shown
    assert sum(durations) == pytest.approx(2000, abs=100)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["film.gif", "film.mp4"]


def test_a_film_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "films").write_text("a file")
    with pytest.raises(SandlotError, match=r"can't write .*film.mp4"):
        write_video(tmp_path / "films" / "film.mp4", frames(2, 40, 40), 25)
    with pytest.raises(SandlotError, match=r"can't write .*"):
        write_gif(tmp_path / "film.gif", tmp_path / "nothing.mp4")


def test_a_run_leaves_its_whole_record(tmp_path, run_config):
    with Run.create(tmp_path, "ppo-ALE/Pong-v5-s1", run_config, wandb="offline") as run:
        assert run.folder.name.startswith("ppo-ALE-Pong-v5-s1-")
        for step in range(1, 6):
            run.log({RETURN: float(step), RETURN_LOW: 0.0, RETURN_HIGH: 9.0, "losses/policy": 0.5}, 100 * step)
        film = run.folder / "videos" / "step-000000100.mp4"
        write_video(film, frames(5, 40, 40), 10)
        run.log_media("video", film, 100)
        run.save(500, {"weights": np.ones(3, np.float32)}, {"agent": "test"})
        run.finish({"status": "finished", "evaluation": {"return": 5.0}})
    rows = read_metrics(run.folder)
    assert [row["env_step"] for row in rows] == [100, 200, 300, 400, 500, 100]
    assert run.curve.stat().st_size > 5_000
    assert run.checkpoint()[1].state == {"agent": "test"}
    assert run.config["versions"]["torch"]
    assert json.loads((run.folder / "summary.json").read_text())["status"] == "finished"
    assert not (run.folder / "recorder.log").exists(), (run.folder / "recorder.log").read_text()
    check_wandb(run)


def check_wandb(run):
    history = read_history(run.folder)
    returns = [(row["env_step"], row[RETURN]) for row in history if RETURN in row]
    assert returns == [(100 * step, float(step)) for step in range(1, 6)]
    ((shown_step, video),) = [(row["env_step"], row["video"]) for row in history if "video" in row]
    assert shown_step == 100
    assert [row["_step"] for row in history] == [0, 1, 2, 3, 4, 5]
    assert video["_type"] == "video-file"
    assert probe(next(run.folder.glob(f"wandb/offline-run-*/files/{video['path']}")))[3] == 5
    (curve,) = [row["learning_curve"] for row in history if "learning_curve" in row]
    assert curve["_type"] == "image-file"
    records = read_records(run.folder)
    (exit_code,) = [record.exit.exit_code for record in records if record.WhichOneof("record_type") == "exit"]
    assert exit_code == 0
    metrics = [record.metric for record in records if record.WhichOneof("record_type") == "metric"]
    assert any(metric.glob_name == "*" and metric.step_metric == "env_step" for metric in metrics)
    assert run.wandb["mode"] == "offline"
    assert list(run.folder.glob(f"{run.wandb['folder']}/*.wandb"))


def test_a_run_that_fails_is_closed_and_says_so(tmp_path, run_config):
    def crash():
        with run:
            run.log({"loss": 1.0}, 1)
            raise RuntimeError

    run = Run.create(tmp_path, "test-s1", run_config, wandb="offline")
    with pytest.raises(RuntimeError):
        crash()
    assert read_metrics(run.folder) == [{"env_step": 1, "loss": 1.0}]
    (exit_code,) = [r.exit.exit_code for r in read_records(run.folder) if r.WhichOneof("record_type") == "exit"]
    assert exit_code == 1


def test_when_wandb_fails_the_record_is_whole(tmp_path, run_config, monkeypatch):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "__init__.py").write_text("raise ImportError('broken on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Run.create(tmp_path / "runs", "test-s1", run_config, wandb="offline") as run:
        run.log({RETURN: 1.0, RETURN_LOW: 1.0, RETURN_HIGH: 1.0}, 1)
        run.finish({"status": "finished"})
    assert "broken on purpose" in run.wandb["error"]
    assert run.curve.exists()
    assert len(read_metrics(run.folder)) == 1


def test_online_without_a_network_goes_on_offline(tmp_path, run_config, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "2")
    with Run.create(tmp_path, "test-s1", run_config, wandb="online") as run:
        run.log({"loss": 1.0}, 1)
        run.finish({"status": "finished"})
    assert run.wandb["mode"] == "offline"
    assert "error" in run.wandb
    assert len(read_history(run.folder)) == 1


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path, run_config):
    with Run.create(tmp_path, "test-s1", run_config, wandb="disabled") as run:
        run.log({"loss": 1.0}, 1)
        run.log({"loss": 2.0}, 2)
    with open(run.folder / "metrics.jsonl", "a") as file:
        file.write('{"env_step": 3, "lo')
    assert [row["env_step"] for row in read_metrics(run.folder)] == [1, 2]
    run.reopen(1, run_config["steps"])
    with run:
        run.log({"loss": 3.0}, 3)
    assert [row["env_step"] for row in read_metrics(run.folder)] == [1, 3]


def test_runs_are_found_by_folder_name_or_as_the_latest(tmp_path, run_config):
    with pytest.raises(SandlotError, match="there are no runs in"):
        Run.find(tmp_path, "latest")
    runs = []
    for _ in range(2):
        with Run.create(tmp_path, "test-s1", run_config, wandb="disabled") as run:
            runs.append(run)
    assert runs[0].folder != runs[1].folder
    assert Run.find(tmp_path, "latest").folder == runs[1].folder
    assert Run.find(tmp_path, runs[0].folder.name).folder == runs[0].folder
    assert Run.find(tmp_path / "elsewhere", str(runs[0].folder)).folder == runs[0].folder
    with pytest.raises(SandlotError, match="there is no run 'nothing'"):
        Run.find(tmp_path, "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SandlotError, match=r"is not a run: it has no config.json"):
        Run.find(tmp_path, "empty")


def test_a_damaged_checkpoint_points_to_the_older_one(tmp_path, run_config):
    with Run.create(tmp_path, "test-s1", run_config, wandb="disabled") as run:
        for step in (10, 20):
            run.save(step, {}, {"step": step})
    (run.checkpoints()[-1] / "state.json").write_text("{}")
    with pytest.raises(SandlotError, match=r"is damaged: state.json .*; an older one can be used with --step 10"):
        run.checkpoint()
    assert run.checkpoint(10)[1].state == {"step": 10}
    with pytest.raises(SandlotError, match="has no checkpoint of step 15; it has 10, 20"):
        run.checkpoint(15)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, run_config):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(SandlotError, match=r"can't write .*runs"):
        Run.create(tmp_path / "runs", "test-s1", run_config, wandb="disabled")


def test_curves_are_drawn_where_there_is_something_to_draw(tmp_path):
    rows = [{"env_step": step, RETURN: step, RETURN_LOW: 0, RETURN_HIGH: 2 * step} for step in range(5)]
    assert draw_curves(tmp_path / "one.png", {"a": rows})
    assert draw_curves(tmp_path / "two.png", {"a": rows, "b": rows})
    assert not draw_curves(tmp_path / "none.png", {"a": [{"env_step": 1}]})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg", "two.png", "two.svg"]


def test_numbers_in_tables_of_colours_are_readable():
    import matplotlib

    for name in ("PuOr_r", "Blues"):
        for share in np.linspace(0, 1, 21):
            colour = matplotlib.colormaps[name](share)
            ink = 1.0 if readable_on(colour) == "white" else 0.0
            low, high = sorted((luminance(colour), ink))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (name, share)
