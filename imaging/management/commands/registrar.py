"""The registrar: from the spool into the archive, until it is told to stop."""

import json
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import lifetime
from imaging.ingest import registrar, services


class Command(BaseCommand):
    """Register what was received."""

    # The checks would import every page, which this process never serves.
    requires_system_checks = ()
    help = "Takes received objects out of the spool into the archive. Several may run side by side."

    def add_arguments(self, parser: CommandParser) -> None:
        """How long to work."""
        parser.add_argument("--once", action="store_true", help="Take in what lies in the spool now, then end.")
        parser.add_argument("--json", action="store_true", help="Say what was done as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Work until SIGTERM, or once; then a quarantined object is an error."""
        if not options["once"]:
            stopping = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopping.set())
            with lifetime.recorded("registrar"):
                registrar.Registrar(services.spool()).run(stopping)
            return
        done = registrar.drain(services.spool())
        if options["json"]:
            self.stdout.write(json.dumps({"registered": done.registered, "quarantined": done.quarantined}))
        else:
            self.stdout.write(f"{done.registered} registered, {done.quarantined} quarantined.")
        if done.quarantined:
            raise CommandError(f"{done.quarantined} objects are in quarantine.")
