"""How much is tried, and always the same, so that a failure is the code's."""

from __future__ import annotations

import typing as t

from hypothesis import settings
from hypothesis import strategies as st

#: For what takes microseconds.
quick = settings(derandomize=True, deadline=None, max_examples=400, database=None)

#: For what takes a request or two.
slow = settings(derandomize=True, deadline=None, max_examples=150, database=None)

_HUGE = "9" * 400

#: What JSON can hold, with what Python makes of it: infinities, and digits without end.
json_values: t.Final[st.SearchStrategy[t.Any]] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(float("inf"))
    | st.just(int(_HUGE))
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
    ),
    max_leaves=8,
)


def mutated(value: t.Any, draw: st.DrawFn) -> t.Any:
    """*value*, with something in it exchanged, doubled or left out."""
    if isinstance(value, dict | list) and value and draw(st.booleans()):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = draw(st.sampled_from(keys))
        changed = value.copy()
        match draw(st.sampled_from(["inside", "inside", "gone", "twice"])):
            case "inside":
                changed[key] = mutated(value[key], draw)
            case "gone":
                del changed[key]
            case "twice" if isinstance(changed, list):
                changed.append(changed[key])
        return changed
    return draw(json_values)
