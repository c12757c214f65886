"""Has the name of a setting or a command lead to where it is described, on every page.

Pages name them in literals, ``ISR_ORIGIN`` and ``flask isr doctor``, so that their source
reads well without Sphinx. One that is not described is a warning.
"""

from __future__ import annotations

import re
import typing as t

from docutils import nodes
from sphinx import addnodes

_COMMAND = re.compile(r"flask isr (\w+)(?: .*)?")
_SETTING = re.compile(r"ISR_[A-Z_]+")

# There, the name is where it leads to.
_DESCRIBED = {"reference/commands", "reference/settings"}


def _link(app: t.Any, document: t.Any) -> None:
    name = app.env.current_document.docname
    if name in _DESCRIBED:
        return
    for literal in list(document.findall(nodes.literal)):
        target = _target(literal.astext())
        if target is None or _is_linked(literal):
            continue
        link = addnodes.pending_xref(
            "", refdoc=name, refwarn=True, refexplicit=True, **target
        )
        link.source, link.line = literal.source, literal.line
        literal.replace_self(link)
        link += literal


def _target(text: str) -> dict[str, str] | None:
    """Where *text* leads to, in the words of Sphinx."""
    if _SETTING.fullmatch(text):
        return {"refdomain": "py", "reftype": "data", "reftarget": text}
    command = _COMMAND.fullmatch(text)
    if command is not None:
        # A "ref" would put plain text in the place of the literal.
        label = f"isr-{command[1]}"
        return {"refdomain": "std", "reftype": "keyword", "reftarget": label}
    return None


def _is_linked(node: t.Any) -> bool:
    while node is not None:
        if isinstance(node, nodes.reference | addnodes.pending_xref | nodes.title):
            return True
        node = node.parent
    return False


def setup(app: t.Any) -> dict[str, bool]:
    """Have Sphinx look at each page that it has read."""
    app.connect("doctree-read", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
