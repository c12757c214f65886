"""Advice on a page that is not stored, by the reason for it."""

from __future__ import annotations

#: The start of a reason to what the author of the page is told. Some reasons have a cure of
#: their own, which names a line: see :mod:`.undeclared`.
CURES = {
    "it sets a cookie": (
        "Set the cookie in a view without @static_page, or by a script in the browser."
    ),
    "Cache-Control: ": (
        "If everybody may see the same page, leave that header out; else take @static_page"
        " off."
    ),
    "Vary: ": "Give each variant a URL, or a query parameter that query= declares.",
    "it has a CSRF token": (
        "Put the form on a page without @static_page, or have a script fetch the token."
    ),
    "it has a Content-Security-Policy nonce": (
        "Let the policy list files or hashes of scripts instead."
    ),
    "it redirects": "If only some visitors may see the page, take @static_page off.",
    "it answers with status ": (
        "If only some visitors may see the page, or it comes and goes, take @static_page"
        " off. A page that is gone is a 404 or 410."
    ),
    "it is answered before the view": (
        "Have hooks let the page pass while flask_isr.rendering() is true, and set"
        " ISR_ORIGIN to an address that TRUSTED_HOSTS allows."
    ),
    "it writes ": (
        "Write to the session where a form or a choice of the visitor is handled, or name"
        " keys that tell nobody from others in ISR_SESSION_IGNORE."
    ),
    "a hook before the view writes ": (
        "Have it write once the visitor does something, or name keys that tell nobody from"
        " others in ISR_SESSION_IGNORE."
    ),
    "it shows what ": "Let a script in the browser show it, or take @static_page off.",
    "its cookies and its session hold ": (
        "Have hooks set fewer of them while flask_isr.rendering() is true."
    ),
    "it depends on more than ": (
        "Declare query parameters by query=, and name what it does not depend on in"
        " ignore=."
    ),
    "its request cannot be watched": (
        "Have the class of requests, and what is wrapped around the application, change the"
        " WSGI environ in place, and let a class be derived from that of requests."
    ),
    "its render fails": (
        "The view seems to need what only visitors bring, such as a session: have it do"
        " without while flask_isr.rendering() is true, or take @static_page off."
    ),
    "it is larger than ": "Raise ISR_PAGE_BYTES, or make the page smaller.",
    "its body is larger than ": (
        "Raise ISR_PAGE_BYTES, or have hooks leave the body as it is."
    ),
    "its headers are longer than ": "Proxies and servers refuse such an answer.",
    "a hook or an error handler answered": (
        "Have it let the page pass while flask_isr.rendering() is true."
    ),
}


def cure_of(reason: str) -> str:
    """A sentence for the author of a page that is not stored for *reason*; ``""`` if
    there is nothing to add."""
    return next((cure for start, cure in CURES.items() if reason.startswith(start)), "")
