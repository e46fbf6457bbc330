"""Classify the rows of your own CSV file, beside a random forest on the same split.

Without `--file` it writes one: the wine data of scikit-learn.
"""

from pathlib import Path

import tyro

from sandlot.supervised import Classifier, fit
from sandlot.supervised.data import load_frame
from sandlot.supervised.tasks.sklearn_models import sklearn_task


def write_wine(path: Path) -> None:
    from sklearn.datasets import load_wine

    data = load_wine(as_frame=True)
    table = data.data.assign(label=data.target.map(dict(enumerate(data.target_names))))
    table.to_csv(path, index=False)


def main(file: Path | None = None, target: str = "label", steps: int = 200) -> None:
    if file is None:
        file = Path("wine.csv")
        write_wine(file)
    network = Classifier(file, seed=0, target=target, hidden=(32,))
    fit(network, steps)
    forest = sklearn_task("sklearn:random-forest")(file, seed=0, target=target).learn()
    for name, task in (("network", network), ("random forest", forest)):
        measures = task.evaluate("test")
        print(f"{name:14} accuracy {measures['accuracy']:.3f}  loss {measures['loss']:.3f}")
    for row in network.predict(load_frame(file))[:3]:
        print(row)


if __name__ == "__main__":
    tyro.cli(main)
