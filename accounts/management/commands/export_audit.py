"""Write the audit to a file: JSON lines, FHIR AuditEvent, or DICOM's own messages."""

import datetime as dt
import getpass
import json
import os
import sys
from argparse import RawDescriptionHelpFormatter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.audit import exporting, order
from accounts.audit.exporting import FORMATS, Wanted
from accounts.roles import Door

_EXAMPLES: Final = """
examples:
  manage.py export_audit audit-2026.jsonl --since 2026-01-01 --until 2027-01-01
  manage.py export_audit signins.ndjson --format fhir --action user.signed_in --action user.refused
  manage.py export_audit all.jsonl --resume        (every night: appends what is new)

--since is included, --until is not. A day begins at midnight in the portal's time zone.
An --action is one of the portal's own, such as study.opened, or an event of DICOM, such as 110106.
Beside FILE lies FILE.state: it says how far the file is, and belongs to it.
It ends with 0 when everything asked for is in the file. The export itself is put on record first.
"""


class Command(BaseCommand):
    """Write events to this machine, in the order in which they were recorded."""

    help = "Writes the audit, or a part of it, to a file. With --resume it goes on where the last run ended."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Show the examples as they stand."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which events, and where to."""
        parser.add_argument("destination", metavar="FILE", type=Path, help="The file to write.")
        parser.add_argument("--format", choices=sorted(FORMATS), default="json", help="Default: json.")
        parser.add_argument("--since", type=_moment, metavar="WHEN", help="A day, or a moment in ISO 8601.")
        parser.add_argument("--until", type=_moment, metavar="WHEN", help="A day, or a moment in ISO 8601.")
        parser.add_argument("--action", action="append", default=[], help="Only this kind of event; may be repeated.")
        parser.add_argument("--patient", default="", metavar="ID", help="Only events about this patient ID.")
        parser.add_argument("--resume", action="store_true", help="Go on with a file that is there already.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON, for scripts.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, and say what was written."""
        destination: Path = options["destination"]
        try:
            actions = exporting.known_actions(options["action"])
        except ValueError as error:
            raise CommandError(f"There is no action “{error}”.") from error
        wanted = Wanted(since=options["since"], until=options["until"], actions=actions, patient_id=options["patient"])
        is_seen = not options["json"] and options["verbosity"] > 0 and sys.stderr.isatty()
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            done += count
            if is_seen:
                self.stderr.write(f"\r{done:,} events", ending="")

        try:
            result = exporting.export_to_file(
                destination,
                wanted,
                form=options["format"],
                actor=_actor(),
                resume=options["resume"],
                progress=progress,
            )
        except audit.AuditUnavailable as error:
            raise CommandError("The export cannot be put on record, so nothing was written.") from error
        except FileExistsError as error:
            raise CommandError(
                f"{destination} is there already. Choose another name, or go on with --resume."
            ) from error
        except exporting.CannotResume as error:
            raise CommandError(
                f"{destination}.state is missing or unreadable, so nobody knows how far the file is. Choose another name."
            ) from error
        except order.NotSettled as error:
            raise CommandError(
                "The database is busy with something long. Nothing was written; run it again."
            ) from error
        except OSError as error:
            raise CommandError(
                f"{destination} cannot be written: {error.strerror}. With --resume the next run goes on."
            ) from error
        self._say(result, destination, as_json=options["json"])

    def _say(self, result: exporting.Exported, destination: Path, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps({"destination": str(destination), "events": result.events, "through": result.through})
            )
        else:
            self.stdout.write(f"{result.events} events written to {destination}.")


def _moment(text: str) -> dt.datetime:
    """Read a day or a moment; without a zone it is the portal's."""
    moment = parse_datetime(text) if len(text) > len("2026-01-01") else None
    if moment is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(text)
        moment = dt.datetime.combine(day, dt.time.min)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _actor() -> Actor:
    try:
        account = getpass.getuser()
    except (OSError, KeyError):
        account = f"uid {os.getuid()}"
    return replace(SYSTEM, name=account, door=Door.COMMAND)
