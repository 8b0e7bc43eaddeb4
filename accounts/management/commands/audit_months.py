"""See the months of the audit, archive them, and take old ones out of the database."""

import getpass
import json
import os
from argparse import RawDescriptionHelpFormatter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.audit import retention
from accounts.audit.retention import Month
from accounts.roles import Door

_EXAMPLES: Final = """
examples:
  manage.py audit_months list
  manage.py audit_months archive 2016-03 --to /srv/audit
  manage.py audit_months remove 2016-03 --to /srv/audit
  manage.py audit_months due --to /srv/audit          (for a timer)

archive  writes a month to FOLDER, reads it back and compares it with the table. The table keeps it.
remove   takes out a month that is archived in FOLDER and older than the hospital keeps its audit: it compares
         both once more, asks, and needs DATABASE_OWNER_URL.
due      does both with every month that is too old, but only where the audit policy in the administration says so.
"""


class Command(BaseCommand):
    """Months of the audit."""

    help = "Shows the months of the audit, archives them to files, and takes old ones out of the database."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Show the examples as they stand."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, with which month."""
        parser.add_argument("what", choices=("list", "archive", "remove", "due"))
        parser.add_argument("month", nargs="?", default="", metavar="MONTH", help="such as 2016-03")
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the archives lie")
        parser.add_argument("--yes", action="store_true", help="do not ask before a month is taken out")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what was done."""
        try:
            done = self._done(**options)
        except retention.NotRemoved as error:
            raise CommandError(str(error)) from error
        except audit.AuditUnavailable as error:
            raise CommandError("This cannot be put on record, so nothing was taken out.") from error
        except OSError as error:
            raise CommandError(f"The archive cannot be written: {error.strerror}. Nothing was taken out.") from error
        if options["json"]:
            self.stdout.write(json.dumps(done))
        else:
            for line in done:
                self.stdout.write("  ".join(f"{name}: {value}" for name, value in line.items()))
            if not done:
                self.stdout.write("Nothing to do.")

    def _done(self, what: str, month: str, to: Path | None, **options: Any) -> list[dict[str, Any]]:
        months = retention.months()
        if what == "list":
            return [{"month": one.name, "bytes": one.octets, "old": one.is_old} for one in months]
        if to is None or not to.is_dir():
            raise CommandError("--to names the folder of the archives; it must be there.")
        if what == "due":
            return self._due(months, to)
        found = next((one for one in months if one.name == month), None)
        if found is None:
            raise CommandError(f"The audit has no month “{month}”. See: manage.py audit_months list")
        if what == "archive":
            return [{**asdict(retention.archive(found, to, actor=_actor())), "removed": False}]
        return [self._removed(found, to, is_sure=options["yes"])]

    def _due(self, months: list[Month], to: Path) -> list[dict[str, Any]]:
        if not retention.may_be_removed_by_timer():
            raise CommandError("The audit policy does not let a timer take months out. See Administration, Audit.")
        done = []
        for month in months:
            if month.is_old:
                retention.archive(month, to, actor=_actor())
                done.append(self._removed(month, to, is_sure=True))
        return done

    def _removed(self, month: Month, to: Path, *, is_sure: bool) -> dict[str, Any]:
        if "owner" not in connections.settings:
            raise CommandError("DATABASE_OWNER_URL is not set: only the owner can take a month out.")
        if not is_sure:
            answer = input(f"Take {month.name} out of the database? Its archive lies in {to}. [yes/no] ")
            if answer.strip().lower() != "yes":
                raise CommandError("Nothing was taken out.")
        return {**asdict(retention.remove(month, to, actor=_actor())), "removed": True}


def _actor() -> Actor:
    try:
        account = getpass.getuser()
    except (OSError, KeyError):
        account = f"uid {os.getuid()}"
    return replace(SYSTEM, name=account, door=Door.COMMAND)
