"""The fit loop: training steps, validation, early stopping and checkpoints for any task."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sandlot.supervised.data import Loader
from sandlot.supervised.optimization.random_state import RandomStream
from sandlot.tracking import IMAGES, VALIDATION, MetricLogger, Run, Stopped, StopSignals, checkpoint_name, require

from .monitor import Best

if TYPE_CHECKING:
    import sandlot.supervised.tasks.base  # tasks import this module; the full name below is found at run time too

LOGS_PER_RUN = 200
Progress = Callable[[int, float | None], None]
"""Called now and then with the step and the latest value of the monitored metric."""


def fit(
    task: "sandlot.supervised.tasks.base.Task",
    steps: int | None = None,
    *,
    run: Run | None = None,
    progress: Progress | None = None,
) -> None:
    """Train `task` until `steps` gradient steps in all, or its config's epochs, and record it in `run`.

    Afterwards the task has the weights of its best validation. A checkpoint holds the state of the random
    generators, and a step's batch follows from the step, so a resumed run ends bit-identical to one that was not
    interrupted. Ctrl-C or a SIGTERM ends a recorded training with `Stopped`, after a checkpoint.
    """
    loader = task.loader()
    steps = planned_steps(task, loader) if steps is None else steps
    require(steps >= 1, "steps must be at least 1", steps)
    loop = FitLoop(task, loader, steps, run, progress)
    task.prepare(steps)
    with task.thread_context(), StopSignals(run is not None) as stop:
        loop.run_steps(stop)
    loop.restore_best()
    task.finish()


def planned_steps(task: "sandlot.supervised.tasks.base.Task", loader: Loader) -> int:
    """Return the number of gradient steps in the epochs of the task's config."""
    return task.config.epochs * loader.steps_per_epoch


class FitLoop:
    """Run one training, from the task's current step to the last."""

    def __init__(
        self,
        task: "sandlot.supervised.tasks.base.Task",
        loader: Loader,
        steps: int,
        run: Run | None,
        progress: Progress | None,
    ):
        self.task, self.loader, self.steps, self.run, self.progress = task, loader, steps, run, progress
        self.validate_every = task.config.validate_every or loader.steps_per_epoch
        self.log_every = max(1, steps // LOGS_PER_RUN)
        self.metric_logger = MetricLogger(run, self.log_every, "time/steps_per_second")
        self.metric_logger.step = task.step
        self.validation = task.subset("validation")
        self.best_tensors: dict[str, np.ndarray] | None = None
        self.latest: float | None = None
        self.random = RandomStream(task.random)

    def run_steps(self, stop: StopSignals) -> None:
        """Take the remaining steps, until the patience runs out or a signal arrives."""
        task, every = self.task, self.task.config.checkpoint_every
        task.train(True)
        if task.step == 0:
            self.save()
        while task.step < self.steps and not self.out_of_patience():
            task.anneal(task.step / self.steps)
            batches = self.loader.micro_batches(task.step, task.config.accumulate)
            with self.random.drawing():
                task.train_step(batches)
            task.step += 1
            validates = task.step % self.validate_every == 0 or task.step == self.steps
            saves = validates or stop.received is not None or bool(every and task.step % every == 0)
            # Log before each checkpoint: the means since the last row are not saved in it.
            if task.step % self.log_every == 0 or saves:
                self.log()
            if validates:
                self.validate()
            if saves:
                self.save()
            if stop.received is not None:
                raise Stopped(stop.received)

    def out_of_patience(self) -> bool:
        """Return whether too many validations have passed without improvement."""
        patience = self.task.config.patience
        return bool(patience) and self.task.validations_since_best >= patience

    def log(self) -> None:
        """Write a row of training metrics."""
        row = self.task.metrics()
        self.metric_logger.write(self.task.step, {"train/epoch": self.task.step / self.loader.steps_per_epoch, **row})
        self.report_progress()

    def validate(self) -> None:
        """Evaluate the task on the validation split, and plot its samples."""
        task, monitor = self.task, self.task.monitor
        if len(self.validation):
            metrics = task.evaluate("validation")
            if self.run is not None:
                self.run.log({f"{VALIDATION}{name}": value for name, value in metrics.items()}, task.step)
            if monitor is not None:
                self.update_best(metrics[monitor.metric])
                self.report_progress()
        if self.run is not None:
            folder = self.run.folder / IMAGES / checkpoint_name(task.step)
            for name, path in task.plot_samples(folder).items():
                self.run.log_media(name, path, task.step)
        task.train(True)

    def report_progress(self) -> None:
        """Call the progress callback."""
        if self.progress is not None:
            self.progress(self.task.step, self.latest)

    def update_best(self, value: float) -> None:
        """Compare a validation's monitored value with the best so far, and keep the weights if it is no worse."""
        task, self.latest = self.task, value
        assert task.monitor is not None
        better = task.best is None or task.monitor.improved(value, task.best.value)
        task.validations_since_best = 0 if better else task.validations_since_best + 1
        # Among equals, the newest: it has trained for longer, and few validation rows make many equals.
        if better or (task.best is not None and value == task.best.value):
            task.best = Best(task.step, value)
            if self.run is None:
                self.best_tensors = {name: tensor.copy() for name, tensor in task.tensors().items()}

    def save(self) -> None:
        """Write a checkpoint, and delete all earlier ones but the best."""
        task = self.task
        task.random = self.random.states
        if self.run is not None:
            self.run.save(task.step, task.tensors(), task.state())
            self.run.keep_only({task.step, task.best.step if task.best else task.step})

    def restore_best(self) -> None:
        """Give the task the weights of its best validation."""
        best = self.task.best
        if best is not None and best.step != self.task.step:
            tensors = self.best_tensors if self.run is None else self.run.checkpoint(best.step)[1].tensors
            if tensors is not None:
                self.task.load_tensors(tensors)
        self.task.train(False)
