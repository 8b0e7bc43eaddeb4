"""`manage.py demo`: make the demo hospital, and send its studies through the real DICOM port."""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo import headers, hospital, plan, requests, sender
from portal.environment import environment


class Progress:
    """What has been sent, kept in DATA_DIR so that a second start sends nothing twice and dates stay the same."""

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self.path = path
        stored = json.loads(path.read_text()) if path.exists() else {}
        self.started = datetime.fromisoformat(stored["started"]) if stored else datetime.now(zone)  # noqa: TID251
        self.sent: list[str] = stored.get("sent", [])

    def add(self, key: str) -> None:
        """Note that a study has been answered with success, whole."""
        self.sent.append(key)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"started": self.started.isoformat(), "sent": self.sent}))


class Command(BaseCommand):
    """Prepare the demo hospital and send its studies. Run again, it completes what is missing and changes nothing else."""

    help = (
        "Makes the demo hospital: departments, accounts, machines and rules (--prepare), then sends its openly licensed "
        "studies through the DICOM port (--send). Without an option it does both. Only in demo mode."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--prepare", action="store_true", help="departments, accounts, machines and rules only")
        parser.add_argument("--send", action="store_true", help="send the studies only")
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT, help="the DICOM port to send to")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for."""
        if not settings.DEMO:
            raise CommandError("The demo hospital is made in demo mode only: start it with `make run`.")
        everything = options["prepare"] == options["send"]
        whole = plan.read()
        result: dict[str, Any] = {}
        if everything or options["prepare"]:
            key_file = environment.data_dir / "secrets" / "demo-machine-key"
            result["machine_key"] = hospital.prepare(whole, password=environment.demo_password, key_file=key_file)
            requests.prepare()
            self._say(options, f"Demo hospital ready. Machine key: {result['machine_key']}")
        if everything or options["send"]:
            result["sent"], result["refused"] = self._send(whole, options)
        if options["json"]:
            self.stdout.write(json.dumps(result))
        if result.get("refused"):
            raise CommandError("Not everything was sent. What was answered with success is kept; run it again.")

    def _send(self, whole: plan.Plan, options: dict[str, Any]) -> tuple[int, list[str]]:
        progress = Progress(environment.data_dir / "demo" / "sent.json", ZoneInfo(whole.site["time_zone"]))
        refused, sent = [], 0
        for study in whole.studies:
            key = study.key
            if key in progress.sent:
                continue
            datasets = headers.objects_of(study, started=progress.started)
            try:
                count = sum(
                    1
                    for _uid in sender.send(
                        datasets, calling=study.sender, called=settings.DICOM_AE_TITLE, port=options["port"]
                    )
                )
            except sender.NotAccepted as error:
                refused.append(str(error))
                self.stderr.write(str(error))
                continue
            sent += count
            progress.add(key)
            self._say(options, f"{study.sender} sent {count} objects: {study.description or key}")
        return sent, refused

    def _say(self, options: dict[str, Any], sentence: str) -> None:
        if not options["json"]:
            self.stdout.write(sentence)
