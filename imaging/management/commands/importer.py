"""The importer: reads and registers what people brought, until it is told to stop."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from imaging.ingest.imports.importer import Importer


class Command(BaseCommand):
    """Work on imports."""

    # The checks would import every page, which this process never serves.
    requires_system_checks = ()
    help = (
        "Reads what people brought on discs, in folders and zips, and registers it once they have confirmed. It runs on the "
        "host of the spool; several may run side by side."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How long to work."""
        parser.add_argument("--once", action="store_true", help="Do what there is to do now, then end.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Work until SIGTERM, or once."""
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        importer = Importer()
        if options["once"]:
            self.stdout.write(f"{importer.work(stopping)} imports worked on.")
        else:
            importer.run(stopping)
