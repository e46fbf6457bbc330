"""`sandlot data`: the data that a task can be fitted to."""

from sandlot.generative import MODELS
from sandlot.supervised.data.builtin import BUILTIN
from sandlot.tracking.common.recipes import recipes

PAGE = """usage: sandlot train TASK DATA …

data sets that come with scikit-learn:
{sets}
recipes:
{recipes}
DATA may also be
  a file             csv, tsv, jsonl, txt or parquet
  a folder           of such files, or of images in a subfolder for each class
  NAME or USER/NAME  a data set on the Hugging Face hub
  env:ID             frames of an environment, by random play; run:RUN by a run's agent
"""


def main(_: list[str]) -> None:
    """Print the page."""
    tuned = {name: ", ".join(recipes("sandlot.generative.recipes", name)) for name in MODELS}
    page = PAGE.format(
        sets="".join(f"  {name}\n" for name in BUILTIN),
        recipes="".join(f"  {name:18} {found}\n" for name, found in tuned.items() if found),
    )
    print(page, end="")
