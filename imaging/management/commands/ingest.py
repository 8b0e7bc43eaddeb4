"""Import files, folders and zips that lie on the server."""

import json
import signal
import threading
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from types import FrameType
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Department
from imaging.ingest.imports.from_disk import Left, Report, Run, source_of
from imaging.ingest.intake import Outcome
from imaging.ingest.media.trouble import in_words
from imaging.management.progress_bar import ProgressBar

_STRAYS_SHOWN: Final = 20
_STOPPED: Final = {
    "asked": "Stopped as you asked. What is counted here is kept; run the same command again to go on.",
    "disk_full": "Stopped: the disk's reserve is reached. Make room, then run the same command again: it goes on.",
    "disk": "Stopped: the spool cannot be written. Look at the disk, then run the same command again: it goes on.",
    "quota": "Stopped: the quota of this sender is used up for today. Run the same command again tomorrow: it goes on.",
}
_EXAMPLES: Final = """
examples:
  manage.py ingest /media/cdrom
  manage.py ingest ~/export.zip ~/old-archive --department radiology
  manage.py ingest /data/study --dry-run

Running it again changes nothing: what is in the archive already is recognised.
It ends with 0 when everything was taken in, and with 1 when something was refused or set aside.
"""


class Command(BaseCommand):
    """Take in what lies on this machine."""

    help = (
        "Imports DICOM files from this machine into the archive: single files, whole folders, zips, and discs (with or "
        "without a DICOMDIR). Files that are no images are left out and told, and never stop the rest."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Show the examples as they stand."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to take in, and for whom."""
        parser.add_argument("paths", nargs="+", metavar="PATH", help="A file, a folder or a zip.")
        parser.add_argument(
            "--department",
            metavar="CODE",
            help="The department that gets new studies, by its code. Without it the routing rules decide.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Only look and count; write nothing.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON, for scripts.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Walk, take in, and say what became of it."""
        paths = [Path(path) for path in options["paths"]]
        run = Run(paths, source_of(self._department(options["department"])))
        bar = ProgressBar(run.estimate(), silent=options["json"] or options["verbosity"] == 0)
        run.tick = bar.tick
        if not options["json"]:
            run.tell = _Teller(bar, everything=options["verbosity"] > 1)
        with _Interruptible(run.stopping, bar):
            report = run.look() if options["dry_run"] else run.take_in()
        bar.clear()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, dry_run=options["dry_run"])))
        else:
            self._say(report, dry_run=options["dry_run"])
        if not report.is_complete:
            raise CommandError(_unfinished(report), returncode=130 if report.stopped == "asked" else 1)

    def _department(self, code: str | None) -> int | None:
        if code is None:
            return None
        found = Department.objects.filter(code=code, is_active=True).first()
        if found is None:
            codes = ", ".join(Department.objects.filter(is_active=True).order_by("code").values_list("code", flat=True))
            raise CommandError(f"There is no active department with the code “{code}”. There are: {codes or 'none'}.")
        return found.pk

    def _say(self, report: Report, *, dry_run: bool) -> None:
        if not report.objects:
            self.stdout.write(f"No DICOM object among {report.files} files.")
        elif dry_run:
            self.stdout.write(
                f"{report.objects} DICOM objects in {len(report.studies)} studies of {len(report.patients)} patients. "
                "Nothing was written."
            )
        elif report.outcomes[Outcome.DUPLICATE] == report.objects:
            self.stdout.write(f"Nothing to do: all {report.objects} objects were in the archive already.")
        else:
            self.stdout.write(", ".join(_counted(report)) + f"; {len(report.studies)} studies.")
        if report.strays:
            self.stdout.write(f"{len(report.strays)} files that are no DICOM objects were left out.")


class _Teller:
    """Says each file that is left out, on a line of its own; of strays only the first ones."""

    def __init__(self, bar: ProgressBar, *, everything: bool) -> None:
        self._bar = bar
        self._left = -1 if everything else _STRAYS_SHOWN

    def __call__(self, left: Left) -> None:
        if left.is_fault:
            self._bar.say(f"Refused: {left.path}: {in_words(left.code)} ({left.code})")
            return
        if self._left == 0:
            self._bar.say("Left out: more files that are no images (-v 2 names them all).")
        if self._left:
            self._bar.say(f"Left out: {left.path}: {in_words(left.code)}")
        self._left = max(self._left - 1, -1)


class _Interruptible:
    """Ctrl-C and SIGTERM end the work after what is on its way; a second Ctrl-C ends it at once."""

    def __init__(self, stopping: threading.Event, bar: ProgressBar) -> None:
        self._stopping = stopping
        self._bar = bar
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            raise KeyboardInterrupt
        self._stopping.set()
        self._bar.say("Stopping after what is on its way.")

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _counted(report: Report) -> list[str]:
    words = (
        (Outcome.NEW, "{} new"),
        (Outcome.DUPLICATE, "{} in the archive already"),
        (Outcome.CONFLICT, "{} kept as a second version of what is known"),
        (Outcome.QUARANTINED, "{} kept and set aside for a check"),
        (Outcome.WAITING, "{} kept and still to be registered"),
    )
    return [text.format(report.outcomes[outcome]) for outcome, text in words if report.outcomes[outcome]]


def _unfinished(report: Report) -> str:
    parts = []
    if report.refused:
        parts.append(f"{len(report.refused)} files were refused.")
    if report.outcomes[Outcome.QUARANTINED]:
        parts.append(f"{report.outcomes[Outcome.QUARANTINED]} objects are kept and set aside for a check.")
    if report.missing:
        named = ", ".join(report.missing[:5]) + (" …" if len(report.missing) > 5 else "")
        parts.append(f"{len(report.missing)} files that the index of the disc names are not there: {named}")
    if report.stopped:
        parts.append(_STOPPED[report.stopped])
    return " ".join(parts)


def _as_json(report: Report, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "files": report.files,
        "objects": report.objects,
        "patients": len(report.patients),
        "studies": sorted(report.studies),
        "outcomes": dict(report.outcomes),
        "refused": [{"path": one.path, "code": one.code, "reason": in_words(one.code)} for one in report.refused],
        "left_out": [{"path": one.path, "code": one.code} for one in report.strays],
        "missing": report.missing,
        "stopped": report.stopped,
    }
