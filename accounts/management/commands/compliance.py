"""Ask whether the portal, as it is set up, is what was promised."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actor import SYSTEM
from accounts.compliance.admin import record
from accounts.compliance.registry import Level, Result, results


class Command(BaseCommand):
    """Prints every answer; exits with an error when something is not met."""

    help = (
        "Asks the running configuration (TLS, cookies, second factors, machine keys, the audit, secrets and their"
        " files, the database's role) and prints what is met, what needs attention and what is not met, with what"
        " to do. Exits with 1 when something is not met: run it after every change, and from a timer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument("--all", action="store_true", help="print what is met too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, print, and say by the exit code whether something is not met."""
        found = results()
        record(SYSTEM, found)
        if options["json"]:
            self.stdout.write(json.dumps([_described(entry) for entry in found], ensure_ascii=False, indent=2))
        else:
            self._print(found, everything=options["all"])
        wrong = sum(entry.answer.level == Level.NOT_MET for entry in found)
        if wrong:
            raise CommandError(f"{wrong} of {len(found)} are not met.", returncode=1)

    def _print(self, found: list[Result], *, everything: bool) -> None:
        for level in Level:
            shown = [entry for entry in found if entry.answer.level == level]
            self.stdout.write(f"{level.label}: {len(shown)}")
            if level not in {Level.NOT_MET, Level.ATTENTION} and not everything:
                continue
            for entry in shown:
                self.stdout.write(f"  {entry.check.id}: {entry.answer.words} {entry.answer.remedy}".rstrip())


def _described(entry: Result) -> dict[str, Any]:
    return {
        "id": entry.check.id,
        "area": str(entry.check.area),
        "title": str(entry.check.title),
        "requirements": list(entry.check.requirements),
        "level": str(entry.answer.level),
        "words": entry.answer.words,
        "remedy": entry.answer.remedy,
    }
