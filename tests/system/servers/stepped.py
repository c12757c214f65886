"""A process of a site that is asked line by line.

It is ``python -m tests.system.servers.stepped``. Each line of its input is a path to
GET, or ``token PATH``, ``accept TOKEN PATH``; it says in one line what came of it. Its wall
clock is whatever libfaketime makes of it.
"""

from __future__ import annotations

import datetime
import itertools
import sys
import time
import typing as t

from flask import Flask

from flask_isr import ISR
from flask_isr import cache_life
from flask_isr import static_page
from tests.support import SECRET


def make_app(folder: str) -> Flask:
    """The site: pages that live for hours, for a moment, and until an hour of the day."""
    app = Flask("site", instance_path=folder)
    app.config["ISR_SECRET"] = SECRET
    isr = ISR(app)
    app.register_blueprint(isr.blueprint)
    runs = itertools.count(1)

    @app.get("/hours")
    @static_page(revalidate=3600, expire=7200)
    def hours() -> str:
        return str(next(runs))

    @app.get("/moment")
    @static_page(revalidate=0.1)
    def moment() -> str:
        return str(next(runs))

    @app.get("/scheduled")
    @static_page()
    def scheduled() -> str:
        now = datetime.datetime.now(datetime.UTC)
        cache_life(until=now + datetime.timedelta(hours=1))
        return str(next(runs))

    @app.get("/now")
    def now() -> str:
        return f"{time.time():.0f}"

    return app


def main(folder: str) -> None:
    """Answer until the input ends."""
    app = make_app(folder)
    client = app.test_client()
    state: t.Any = app.extensions["isr"]
    for line in sys.stdin:
        command = line.split()
        if command[0] == "token":
            with app.app_context():
                said = ISR().token(paths=[command[1]], lifetime=600)
        elif command[0] == "accept":
            query = {"token": command[1], "path": command[2]}
            said = str(client.get("/revalidate", query_string=query).status_code)
        else:
            answer = client.get(command[0])
            said = f"{answer.headers.get('X-ISR-Cache')} {answer.text}"
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
    state.runner.drain(20)
    state.store.close()


if __name__ == "__main__":
    main(sys.argv[1])
