"""A report as PDF/A-2a and PDF/UA-1, by Typst. Same content, same bytes: the time in it is that of the signature.

Texts go to the typesetter as JSON that our template reads as strings: nothing that somebody typed is ever markup. Each report
is set in a process of its own, with limits of time and memory, and without anything of the portal in it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson
from django.utils import translation
from django.utils.translation import gettext, ngettext

from imaging.reports.documents import coverage
from imaging.reports.documents.content import ReportContent
from imaging.reports.documents.sheet import Sheet, sheet

logger = logging.getLogger(__name__)

_LAYOUT: Final = Path(__file__).parent / "layout" / "report.typ"
_CHILD: Final = Path(__file__).with_name("typeset_child.py")
SECONDS: Final = 60
_MEMORY: Final = 4 * 1024**3
LARGEST_TEXT: Final = 4_000_000


class TypesettingFailed(Exception):
    """No PDF could be made. ``code``: ``too_long``, ``took_too_long`` or ``refused``; the text holds no patient data."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Keep the code for whoever tells a person."""
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


def pdf(content: ReportContent) -> bytes:
    """The report as a PDF. Raises ``TypesettingFailed``; a job may try again, for nothing was changed."""
    data = _data(content)
    if len(data) > LARGEST_TEXT:
        raise TypesettingFailed("too_long")
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="report-")))
        (folder / "report.typ").write_bytes(_LAYOUT.read_bytes())
        (folder / "fonts").symlink_to(coverage.FONTS)
        pictures = []
        for number, each in enumerate(content.pictures, 1):
            if each.suffix:
                pictures.append(_in_memory(each.data, held))
                (folder / _file(number, each.suffix)).symlink_to(f"/proc/self/fd/{pictures[-1]}")
        return _set(folder, data, pictures)


def _in_memory(data: bytes, held: contextlib.ExitStack) -> int:
    """A file without a name: nothing of a patient touches the disk, whatever ends this process."""
    descriptor = os.memfd_create("picture")
    held.callback(os.close, descriptor)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor


def _set(folder: Path, data: bytes, pictures: list[int]) -> bytes:
    # Isolated (-I): neither the folder it runs in nor variables of the environment decide what is imported.
    command = [sys.executable, "-I", str(_CHILD), str(folder), str(SECONDS), str(_MEMORY)]
    try:
        done = subprocess.run(
            command,
            input=data,
            pass_fds=pictures,
            cwd=folder,
            env={"RAYON_NUM_THREADS": "2"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TypesettingFailed("took_too_long") from error
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        # The typesetter's words may quote the text that it could not set.
        raise TypesettingFailed("refused", f"exit {done.returncode}")
    if done.stderr:
        logger.warning("A report was set without accessible structure: the typesetter refused it.")
    return done.stdout


def _file(number: int, suffix: str) -> str:
    return f"picture-{number}.{suffix}"


def _data(content: ReportContent) -> bytes:
    """What the template reads: every text printable, and a note when some of it is not."""
    made = sheet(content)
    counted = _Printable()
    values: dict[str, Any] = counted(_values(made, content))
    with translation.override(content.language):
        values["no_picture"] = gettext("The picture is in the study.")
        values["unprintable"] = (
            ngettext(
                "%(count)d character cannot be printed and stands as %(mark)s; the report's page shows it.",
                "%(count)d characters cannot be printed and stand as %(mark)s; the report's page shows them.",
                counted.missing,
            )
            % {"count": counted.missing, "mark": coverage.MARK}
            if counted.missing
            else ""
        )
    values["timestamp"] = int(content.signed_at.timestamp())
    return orjson.dumps(values)


def _values(made: Sheet, content: ReportContent) -> dict[str, Any]:
    values = {name: value for name, value in asdict(made).items() if name not in {"plates", "patient", "examination"}}
    values["patient"] = [_row(each.label, each.value, is_first=n == 0) for n, each in enumerate(made.patient)]
    values["examination"] = [_row(each.label, each.value) for each in made.examination]
    values["plates"] = [
        {
            "number": each.number,
            "caption": each.caption,
            "alternative": each.alternative,
            "file": _file(each.number, each.picture.suffix) if each.picture.suffix else "",
        }
        for each in made.plates
    ]
    values["letterhead_name"] = content.letterhead.name
    values["author"] = [each.person.name for each in content.signatures] or [each.name for each in content.authors]
    values["keywords"] = [each for each in (content.study.accession_number, content.digest) if each]
    values["is_alarming"] = made.is_preliminary or made.is_withdrawn
    values["watermark_size"] = min(84, 780 // max(len(made.watermark), 1))
    return values


def _row(label: str, value: str, *, is_first: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "strong": is_first}


class _Printable:
    """Goes through all values and makes every text printable; counts what cannot be."""

    def __init__(self) -> None:
        self.missing = 0

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            text, missing = coverage.printable(value)
            self.missing += missing
            return text
        if isinstance(value, dict):
            return {name: self(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self(item) for item in value]
        return value
