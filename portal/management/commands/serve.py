"""Run Negatoscope: every process of it, in the foreground."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.embedded import Refused
from portal.environment import environment, variables_of_process
from portal.serve.start import serve


class Command(BaseCommand):
    """The one supervisor."""

    help = (
        "Runs Negatoscope in the foreground: web server, workers, DICOM listener, registrar and decoder pool, and"
        " in demo mode"
        " its own PostgreSQL and Redis. One log, on the console and in DATA_DIR/log. Ctrl-C or SIGTERM stops all of it."
        " The variables are listed in docs/install.md."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--json", action="store_true", help="write the log on the console as JSON, one object a line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until asked to stop; one that cannot start says why in a sentence and ends with status 1."""
        try:
            serve(environment, variables_of_process(), as_json=options["json"])
        except Refused as refusal:
            self.stderr.write(str(refusal))
            sys.exit(1)
