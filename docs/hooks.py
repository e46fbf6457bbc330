"""MkDocs hooks: LaTeX between dollar signs becomes MathML, which browsers draw without any script; paths of sources."""

import re
from typing import Any

from latex2mathml.converter import convert

CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's Markdown with its formulas converted, leaving code alone."""
    return "".join(part if CODE.fullmatch(part) else MATH.sub(_to_mathml, part) for part in CODE.split(markdown))


def on_page_content(html: str, **_: Any) -> str:
    """Return a page's HTML with the paths of sources as they are in the repository."""
    return html.replace("build/import-root/sandlot/", "")


def _to_mathml(match: re.Match[str]) -> str:
    block = match["block"]
    if block is not None:
        return f'<div class="formula">{convert(block.strip(), display="block")}</div>'
    return convert(match["inline"])
