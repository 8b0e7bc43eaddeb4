"""The DICOM listener: C-ECHO and C-STORE, until it is told to stop."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.dimse import listener


class Command(BaseCommand):
    """Listen for DICOM associations."""

    # The checks would import every page, which this process never serves.
    requires_system_checks = ()
    help = (
        "Receives images from modalities over the DICOM network, and keeps them in the spool until they are registered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT, help="TCP port (DICOM_PORT).")
        parser.add_argument("--address", default=settings.LISTEN_ADDRESS, help="Address (LISTEN_ADDRESS).")
        parser.add_argument("--ae-title", default=settings.DICOM_AE_TITLE, help="Our AE title (DICOM_AE_TITLE).")
        parser.add_argument("--processes", type=int, default=settings.DICOM_PROCESSES, help="How many share the port.")
        parser.add_argument("--json", action="store_true", help="Say where it listens as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Bind, say so, and serve until SIGTERM."""
        where = listener.Listening(
            address=options["address"],
            port=options["port"],
            ae_title=options["ae_title"],
            processes=max(1, options["processes"]),
            is_demo=settings.DEMO,
        )
        try:
            listening = listener.bind(where.address, where.port)
        except listener.PortTaken as error:
            raise CommandError(str(error)) from error
        port = listening.getsockname()[1]
        if options["json"]:
            said = {"ae_title": where.ae_title, "address": where.address, "port": port, "processes": where.processes}
            self.stdout.write(json.dumps(said))
        else:
            self.stdout.write(f"DICOM: {where.ae_title} listens on {where.address}:{port}.")
        self.stdout.flush()
        listener.Processes(listening, where).run()
