"""The fit loop. It knows no task."""

from collections.abc import Callable

from sandlot.supervised.data import Loader
from sandlot.supervised.optimization.random_state import random_state, set_random_state
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import IMAGES, VALIDATION, MetricLogger, Run, Stopped, StopSignals, checkpoint_name, require

from .monitor import Best

LOGS_PER_RUN = 200
Progress = Callable[[int, float | None], None]
"""Told the step and the latest validation of the goal, now and then."""


def fit(task: Task, steps: int | None = None, *, run: Run | None = None, progress: Progress | None = None) -> None:
    """Fit `task` to its data until `steps` steps in all, or the epochs of its config, with the record in `run`.

    A checkpoint holds the state of the random generators, and the loader gives each step its batch, so a run
    that is resumed from a checkpoint does what it would have done. Ctrl-C, or a SIGTERM, ends a recorded
    training with `Stopped`, after a checkpoint. In the end, the task is what it was at its best.
    """
    loader = task.loader()
    steps = planned_steps(task, loader) if steps is None else steps
    require(steps >= 1, "steps must be at least 1", steps)
    training = Training(task, loader, steps, run, progress)
    task.prepare(steps)
    outside = random_state()
    set_random_state(task.random)
    try:
        with task.thread_context(), StopSignals(run is not None) as stop:
            training.go(stop)
    finally:
        set_random_state(outside)
    training.take_best()


def planned_steps(task: Task, loader: Loader) -> int:
    """Return the steps that the epochs of the task's config are."""
    return task.config.epochs * loader.steps_per_epoch


class Training:
    """One training, from where its task stands to its last step."""

    def __init__(self, task: Task, loader: Loader, steps: int, run: Run | None, progress: Progress | None):
        self.task, self.loader, self.steps, self.run, self.progress = task, loader, steps, run, progress
        self.validate_every = task.config.validate_every or loader.steps_per_epoch
        self.log_every = max(1, steps // LOGS_PER_RUN)
        self.metric_logger = MetricLogger(run, self.log_every, "time/steps_per_second")
        self.metric_logger.step = task.step
        self.watch = task.part("validation")
        self.best_tensors = None
        self.latest: float | None = None

    def go(self, stop: StopSignals) -> None:
        """Take all steps that are left, unless the validations get no better or a signal ends it."""
        task, every = self.task, self.task.config.checkpoint_every
        task.train(True)
        if task.step == 0:
            self.save()
        while task.step < self.steps and not self.is_stale():
            task.anneal(task.step / self.steps)
            task.train_step(self.loader.pieces(task.step, task.config.accumulate))
            task.step += 1
            validates = task.step % self.validate_every == 0 or task.step == self.steps
            saves = validates or stop.received is not None or bool(every and task.step % every == 0)
            # A row at each checkpoint: the means since the last row are not kept in it.
            if task.step % self.log_every == 0 or saves:
                self.log()
            if validates:
                self.validate()
            if saves:
                self.save()
            if stop.received is not None:
                raise Stopped(stop.received)

    def is_stale(self) -> bool:
        """Tell whether the validations have got no better for too long."""
        return bool(self.task.config.patience) and self.task.stale >= self.task.config.patience

    def log(self) -> None:
        """Write a row of what the learners measured."""
        row = self.task.metrics()
        self.metric_logger.write(self.task.step, {"epoch": self.task.step / self.loader.steps_per_epoch, **row})
        self.tell()

    def validate(self) -> None:
        """Measure how well the task does on the rows that watch, and note whether it was never better."""
        task, monitor = self.task, self.task.monitor
        if len(self.watch):
            measures = task.evaluate("validation")
            if self.run is not None:
                self.run.log({f"{VALIDATION}{name}": value for name, value in measures.items()}, task.step)
            if monitor is not None:
                self.judge(measures[monitor.measure])
                self.tell()
        if self.run is not None:
            folder = self.run.folder / IMAGES / checkpoint_name(task.step)
            for name, path in task.plot_samples(folder).items():
                self.run.log_media(name, path, task.step)
        task.train(True)

    def tell(self) -> None:
        """Say how far the training is."""
        if self.progress is not None:
            self.progress(self.task.step, self.latest)

    def judge(self, value: float) -> None:
        """Compare a validation of the goal with the best so far."""
        task, self.latest = self.task, value
        assert task.monitor is not None
        better = task.best is None or task.monitor.better(value, task.best.value)
        task.stale = 0 if better else task.stale + 1
        # Of equals, the newest: it has learned for longer, and few rows make many equals.
        if better or (task.best is not None and value == task.best.value):
            task.best = Best(task.step, value)
            if self.run is None:
                self.best_tensors = {name: tensor.copy() for name, tensor in task.tensors().items()}

    def save(self) -> None:
        """Write a checkpoint. Of the earlier ones, only the best stays."""
        task = self.task
        task.random = random_state()
        if self.run is not None:
            self.run.save(task.step, task.tensors(), task.state())
            self.run.keep_only({task.step, task.best.step if task.best else task.step})

    def take_best(self) -> None:
        """Give the task the weights of its best validation."""
        best = self.task.best
        if best is not None and best.step != self.task.step:
            tensors = self.best_tensors if self.run is None else self.run.checkpoint(best.step)[1].tensors
            if tensors is not None:
                self.task.load_tensors(tensors)
        self.task.train(False)
