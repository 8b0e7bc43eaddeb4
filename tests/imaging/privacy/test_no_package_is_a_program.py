"""The preamble of a file is a program's place (CVE-2019-11687): it is empty in everything that leaves by the slow doors too.

The doors that answer at once are asked in ``tests/imaging/dicomweb/test_retrieve.py``.
"""

import ast
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.actor import SYSTEM, Actor
from accounts.models import Department
from imaging.events.models import Job
from imaging.pipeline import steps
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.packages import services
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = (b"MZ" + b"\x90" * 126, b"#!/bin/sh\nid > /tmp/x\n" + b"#" * 106, b"<script>alert(1)</script>".ljust(128))
#: Who may read the bytes as they were received: everything that hands them out does so through ``output``.
MAY_OPEN_STORED_BYTES = {
    "imaging/dicomweb/bulkdata.py": "a value out of the object",
    "imaging/ehr/fhir/binaries.py": "a report's PDF, in Base64 or given to be saved",
    "imaging/ehr/sending/telling.py": "a report's PDF, in Base64 in a message",
    "imaging/ingest/desk/releasing.py": "to register what was set aside",
    "imaging/ingest/desk/selectors.py": "to show a header",
    "imaging/orders/requesting/views.py": "a file laid beside a request, given to be saved",
    "imaging/rendering/conversion.py": "pixels",
    "imaging/rendering/documents.py": "the document inside",
    "imaging/rendering/loose.py": "pixels",
    "imaging/rendering/overlays.py": "planes",
    "imaging/rendering/sources.py": "pixels",
    "imaging/reports/writing/editing.py": "a picture of a report, which we drew",
    "imaging/reports/writing/publishing.py": "a report's PDF, which we wrote, or which begins as one",
    "imaging/reports/writing/pulling.py": "pictures of a report, which we drew",
    "imaging/reports/writing/views.py": "a report's PDF, which we wrote, or which begins as one",
    "imaging/sharing/copies/copying.py": "copies without identity, whose preamble is empty",
    "imaging/studies/export/cleaning.py": "the same, while a download goes out",
    "imaging/studies/export/directory.py": "values for DICOMDIR",
    "imaging/studies/reading/metadata.py": "metadata",
    "imaging/studies/reading/output.py": "the one way out",
    "imaging/viewer/export_previews.py": "pictures that we drew",
    "imaging/viewer/pictures.py": "pictures that we drew",
    "imaging/viewer/shared/reports.py": "a report's PDF, which we wrote",
}


@pytest.fixture
def programs(data_dir: Path, emergency: Department) -> list[str]:
    """Studies of patient P1, of which every file is a program too: their UIDs."""
    made = [arrivals.dataset() for _ in PROGRAMS]
    for one, program in zip(made, PROGRAMS, strict=True):
        content = program + arrivals.encoded(one)[128:]
        studies.register([arrivals.incoming(content, data_dir / "arrived", emergency)], actor=SYSTEM)
    return [one.StudyInstanceUID for one in made]


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def harmless(files: dict[str, bytes], *, objects: int) -> None:
    found = [
        content for name, content in files.items() if content[128:132] == b"DICM" and not name.endswith("DICOMDIR")
    ]
    assert len(found) == objects
    assert {content[:128] for content in found} == {bytes(128)}
    assert all(content[:128] == bytes(128) for name, content in files.items() if name.endswith("DICOMDIR"))


def test_what_the_command_writes(programs: list[str], tmp_path: Path) -> None:
    call_command("export", *programs, str(tmp_path / "folder"), "--json", stdout=io.StringIO())
    folder = tmp_path / "folder"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "DICOMDIR" in files
    harmless(files, objects=len(programs))
    call_command("export", programs[0], str(tmp_path / "one.zip"), stdout=io.StringIO())
    harmless(unpacked((tmp_path / "one.zip").read_bytes()), objects=1)


def test_what_a_patient_takes_home(
    programs: list[str], study: Study, asked: Callable[..., DataSubjectRequest], acting: Actor, desk: Client
) -> None:
    package = services.ask(asked("portability"), language="en", has_images=True, actor=acting)
    while steps.run_next(Job.Queue.LONG):
        pass
    answer = desk.post(f"/privacy/packages/{package.key}/download")
    harmless(unpacked(b"".join(answer.streaming_content)), objects=len(programs) + 1)  # type: ignore[attr-defined]


def test_stored_bytes_are_opened_where_it_is_listed_and_nowhere_else() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "imaging").rglob("*.py")
        if not path.is_relative_to(ROOT / "imaging" / "storage") and any(_opens(ast.parse(path.read_text())))
    }
    assert found == set(MAY_OPEN_STORED_BYTES)


def _opens(tree: ast.AST) -> Iterator[bool]:
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Attribute) and node.attr in {"open", "read"}
        if is_call and isinstance(node.value, ast.Name) and node.value.id == "storage":  # type: ignore[attr-defined]
            yield True
