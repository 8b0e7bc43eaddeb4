"""Write studies out of the archive, as a folder or a zip with the index of a disc."""

import getpass
import json
import os
import shutil
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.actor import SYSTEM
from accounts.roles import Door
from accounts.scope import system_scope
from imaging.dicom import uids
from imaging.management.progress_bar import ProgressBar
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.export import services as exports
from imaging.studies.export.services import Export

_EXAMPLES: Final = """
examples:
  manage.py export 1.2.840.113619.2.5.1762 /media/usb/study
  manage.py export 1.2.840.113619.2.5.1762 1.2.840.113619.2.5.1763 transfer.zip
  manage.py export 1.2.840.113619.2.5.1762 study.zip --series 1.2.840.113619.2.5.1762.3 --json

DEST is a zip when its name ends in .zip, otherwise a folder that is made, or is empty.
Each study is put on record as exported. What cannot be read is named in MISSING.TXT.
It ends with 0 when everything was written, and with 1 when something is missing or went wrong.
"""


class Command(BaseCommand):
    """Write studies to this machine."""

    help = (
        "Writes studies as DICOM files with a DICOMDIR: into a folder (a stick, a disc to be burnt) or into one zip. "
        "Objects go out as every reader gets them, with the corrections that were made."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Show the examples as they stand."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to write, and where to."""
        parser.add_argument("studies", nargs="+", metavar="STUDY", help="A Study Instance UID.")
        parser.add_argument("destination", metavar="DEST", type=Path, help="A folder, or a file that ends in .zip.")
        parser.add_argument("--series", default="", metavar="UID", help="Only this series, of a single study.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON, for scripts.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look up, write, and say what was written."""
        wanted, destination = options["studies"], options["destination"]
        if options["series"] and len(wanted) > 1:
            raise CommandError("--series is of one study: name that study alone.")
        bad = next((uid for uid in [*wanted, options["series"]] if uid and not uids.is_valid_uid(uid)), None)
        if bad is not None:
            raise CommandError(f"“{bad[:80]}” is no UID: digits with dots between them, at most 64 characters.")
        silent = options["json"] or options["verbosity"] == 0
        is_zip = destination.suffix.lower() == ".zip"
        try:
            write = _zip if is_zip else _folder
            export = write(
                lambda: _prepared(wanted, options["series"], "zip" if is_zip else "folder"), destination, silent
            )
        except access.StudyNotVisible as error:
            raise CommandError(f"The archive holds nothing under {error}. Nothing was written.") from error
        except audit.AuditUnavailable as error:
            raise CommandError("The export cannot be put on record, so nothing was written.") from error
        except exports.ExportChanged as error:
            raise CommandError("The study was changed meanwhile. Nothing is left; run it again.") from error
        except storage.StorageAway as error:
            raise CommandError("A store does not answer. Nothing is left; run it again when it does.") from error
        except OSError as error:
            raise CommandError(f"{destination} cannot be written: {error.strerror}. Nothing is left of it.") from error
        self._say(export, destination, as_json=options["json"])

    def _say(self, export: Export, destination: Path, *, as_json: bool) -> None:
        if as_json:
            said = {
                "destination": str(destination),
                "studies": [study.study_instance_uid for study in export.studies],
                "objects": export.count,
                "missing": [lost.sop_instance_uid for lost in export.lost],
            }
            self.stdout.write(json.dumps(said))
        else:
            self.stdout.write(f"{export.count} objects of {len(export.studies)} studies written to {destination}.")
        if export.lost:
            raise CommandError(f"{len(export.lost)} objects cannot be read: they are named in MISSING.TXT.")


def _prepared(wanted: list[str], series: str, form: str) -> Export:
    actor = replace(SYSTEM, name=_account(), door=Door.COMMAND)
    scope = system_scope("export from the command line")
    return exports.prepare(scope, wanted, actor=actor, form=form, series_instance_uids=[series] if series else [])


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def _zip(prepare: Callable[[], Export], destination: Path, silent: bool) -> Export:
    """Write beside the name first: nothing that is there under it is half a zip."""
    part = destination.with_name(destination.name + ".part")
    if destination.exists():
        raise CommandError(f"{destination} is there already. Choose another name, or move it away.")

    def write(export: Export) -> None:
        bar = ProgressBar(export.count, silent=silent)
        transfer = export.transfer(tell=bar.tick)
        try:
            with part.open("wb") as file:
                for piece in transfer:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        finally:
            transfer.close()
            bar.clear()
        part.rename(destination)

    try:
        return _until_whole(prepare, write)
    finally:
        part.unlink(missing_ok=True)


def _folder(prepare: Callable[[], Export], destination: Path, silent: bool) -> Export:
    """Write into an empty folder; what is there after a failure is taken away again."""
    if destination.exists() and (not destination.is_dir() or next(destination.iterdir(), None) is not None):
        raise CommandError(f"{destination} is no empty folder. Choose another one.")
    existed = destination.exists()

    def write(export: Export) -> None:
        destination.mkdir(parents=True, exist_ok=True)
        bar = ProgressBar(export.count, silent=silent)
        try:
            export.write_folder(destination, tell=bar.tick)
        except BaseException:
            for path in list(destination.iterdir()):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if not existed:
                destination.rmdir()
            raise
        finally:
            bar.clear()

    return _until_whole(prepare, write)


def _until_whole(prepare: Callable[[], Export], write: Callable[[Export], None]) -> Export:
    """Begin anew when an object turns out to be damaged: the next attempt knows of it, and names it as missing."""
    known = -1
    while True:
        export = prepare()
        if len(export.lost) == known:
            raise CommandError("An object cannot be read, and the archive does not say which. Nothing is left.")
        known = len(export.lost)
        try:
            write(export)
        except (storage.ObjectDamaged, storage.ObjectMissing):
            continue
        return export
