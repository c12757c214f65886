"""Says in words which visitors get a stored page."""

from __future__ import annotations

from ..core.entry import Entry
from ..core.inputs import field_name


def visitors_of(record: Entry) -> str:
    """The visitors who get the page from the store; the view answers others."""
    inputs = record.inputs
    without = ["a session"] if record.anonymous else []
    without += [field_name(name) for name in inputs.headers]
    without += [f"the cookie {name!r}" for name in inputs.cookies]
    without += [f"the parameter {name!r}" for name in inputs.query]
    without += [f"the variable {name!r}" for name in inputs.variables]
    without += ["undeclared parameters"] if inputs.whole_query else []
    those = [f"without {', '.join(without)}"] if without else []
    those += [f"who accept {inputs.accept}"] if inputs.accept else []
    those += [f"at {inputs.origin}"] if inputs.origin else []
    return f"those {', '.join(those)}" if those else "all"
