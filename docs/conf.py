"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.append(str(Path(__file__).with_name("_extensions")))

project = "Flask-ISR"
author = "The Flask-ISR authors"
copyright = author
release = version_of("Flask-ISR")
version = release.partition(".dev")[0]

extensions = [
    "dead_links",
    "linked_names",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
]
exclude_patterns = ["_build"]
language = "en"
default_role = "code"

# Every reference must lead somewhere.
nitpicky = True

# -- names of others ----------------------------------------------------------------------

# Their inventories come over the network, which a build needs for nothing else: elsewhere
# than on the host of the site these names stand without a link.
if os.environ.get("READTHEDOCS") == "True":
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3/", None),
        "flask": ("https://flask.palletsprojects.com/en/stable/", None),
        "werkzeug": ("https://werkzeug.palletsprojects.com/en/stable/", None),
        "blinker": ("https://blinker.readthedocs.io/en/stable/", None),
        "flask_caching": ("https://flask-caching.readthedocs.io/en/latest/", None),
    }
_OTHERS = (
    "blinker|collections|datetime|flask|flask_caching|pathlib|types|typing|werkzeug"
)
_BUILTINS = (
    "BaseException|Exception|LookupError|RuntimeError|ValueError|bool|bytes|dict|float"
    "|frozenset|int|list|object|str|tuple"
)
nitpick_ignore_regex = [("py:.*", rf"(?:{_OTHERS})\..+"), ("py:.*", _BUILTINS)]

# -- the reference ------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "none"
python_maximum_signature_line_length = 72

# -- the pages ----------------------------------------------------------------------------

html_theme = "furo"
html_title = f"Flask-ISR {version}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
