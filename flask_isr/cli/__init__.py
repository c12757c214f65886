"""The ``flask isr`` commands."""

from flask.cli import AppGroup

from .build import build_command as _build
from .doctor.command import doctor_command as _doctor
from .inspect import pages_command as _pages
from .inspect import routes_command as _routes
from .inspect import show_command as _show
from .manage import clear_command as _clear
from .manage import revalidate_command as _revalidate
from .manage import secret_command as _secret

isr_commands = AppGroup("isr", help="Static pages: build, look at, revalidate.")
for _command in (_build, _clear, _doctor, _pages, _revalidate, _routes, _secret, _show):
    isr_commands.add_command(_command)
