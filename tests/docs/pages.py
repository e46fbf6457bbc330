"""What is on the pages of the documentation: code, commands and links."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACEHOLDERS = {"ENV": "CartPole-v1", "RUN": "latest", "FOLDER": "digits", "CLASS": "7"}
"""What stands in for the words that a reader replaces."""
FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(sandlot [^\s`]+ [^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block: its language, the file that its title says it is, and its text."""

    language: str
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(*match.groups(default="")) for match in FENCE.finditer(page.read_text())]


def commands(page: Path) -> list[list[str]]:
    """Return the words of each `sandlot …` command on a page, without the first, as a shell would split them.

    In a sentence, `sandlot train` and `sandlot train …` are no whole commands.
    """
    lines = [line for block in blocks(page) if block.language in ("", "sh") for line in block.text.splitlines()]
    lines += [found for found in INLINE.findall(FENCE.sub("", page.read_text())) if "…" not in found]
    said = []
    for line in lines:
        words = re.sub(r"^(\.venv/bin/)?sandlot ", "sandlot ", line.strip())
        if words.startswith("sandlot "):
            parts = split_at_operators(shlex.split(words, comments=True))
            said += [[PLACEHOLDERS.get(word, word) for word in part[1:]] for part in parts]
    return said


def split_at_operators(words: list[str]) -> list[list[str]]:
    """Return the commands that `&&` joins."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "&&":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def links(page: Path) -> list[str]:
    """Return the relative links and images of a page, without their anchors."""
    found = [target.partition("#")[0] for target in LINK.findall(FENCE.sub("", page.read_text()))]
    return [target for target in found if target and not re.match(r"[a-z]+:", target)]
