"""The signals; each is sent with the application as its sender.

Receivers run on the thread that did the work, and delay it.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: A page was rendered and stored. Sent with *path*, *tags*, *seconds*, *size*.
page_rendered = _signals.signal("isr-page-rendered")

#: A render failed; the last good page stays. Sent with *path*, *cause*.
render_failed = _signals.signal("isr-render-failed")

#: A visitor got a page that is not fresh. Sent with *path*.
stale_served = _signals.signal("isr-stale-served")

#: An invalidation has taken effect: one that a request made, after that request. Sent with
#: *paths*, *tags*, *mode*; the place to purge a CDN.
revalidated = _signals.signal("isr-revalidated")
