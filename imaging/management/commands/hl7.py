"""The HL7 listener, until it is told to stop."""

import json
import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.ehr import listener


class Command(BaseCommand):
    """Listen for HL7 v2 messages."""

    # The checks would import every page, which this process never serves.
    requires_system_checks = ()
    help = "Receives HL7 v2 messages of the hospital's systems (MLLP): patients registered, changed and merged."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--port", type=int, default=settings.HL7_PORT, help="TCP port (HL7_PORT).")
        parser.add_argument("--address", default=settings.LISTEN_ADDRESS, help="Address (LISTEN_ADDRESS).")
        parser.add_argument("--json", action="store_true", help="Say where it listens as JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Bind, say so, and serve until SIGTERM."""
        tls = None
        if settings.HL7_TLS_CERT and settings.HL7_TLS_KEY:
            tls = listener.Tls(
                certificate=settings.HL7_TLS_CERT, key=settings.HL7_TLS_KEY, clients_ca=settings.HL7_TLS_CLIENTS_CA
            )
        try:
            server = listener.Server(options["address"], options["port"], tls=tls)
        except (listener.PortTaken, OSError) as error:
            raise CommandError(str(error)) from error
        port = server.server_address[1]
        if options["json"]:
            said = {"address": options["address"], "port": port, "tls": tls is not None}
            self.stdout.write(json.dumps(said))
        else:
            self.stdout.write(f"HL7: listens on {options['address']}:{port}.")
        self.stdout.flush()
        stopping = threading.Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.25}, daemon=True)
        thread.start()
        while not stopping.wait(1.0) and thread.is_alive():
            pass
        server.stop()
