"""``python -m tests.compat.extensions.matrix`` gives the table of the docs; with the
name of a case and a folder, what is measured of it, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .cases import CASES
from .measure import measure
from .table import table

if len(sys.argv) > 1:
    result = json.dumps(measure(CASES[sys.argv[1]], Path(sys.argv[2])))
else:
    result = table(CASES.values())
sys.stdout.write(result)
