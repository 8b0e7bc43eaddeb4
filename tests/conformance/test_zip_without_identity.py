"""Copies of the demo's studies without identity, opened elsewhere: pydicom's FileSet and DCMTK."""

import datetime as dt
import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone
from pydicom import dcmread
from pydicom.fileset import FileSet

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import part10
from imaging.dicom.deidentification.identifiers import Identifiers, remaining
from imaging.dicom.deidentification.profile import Profile
from imaging.studies.export import without_identity
from imaging.studies.export.receipts import Handed
from imaging.studies.export.services import Export
from imaging.studies.export.without_identity import Cleaning
from imaging.studies.models import Instance
from tests.factories import arrivals
from tests.peers import Peer
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

#: Of the demo: images, a recording, a report, a document.
STUDIES = (
    *("ct-head", "mr-brain-sag", "mr-enhanced", "nm-bone-scan", "phi-header", "pt-breast", "radiographs", "seg-liver"),
    *("ecg", "encapsulated", "op-fundus", "rt", "sr-rdsr", "sr-text", "us-echo-cine", "us-lymph-node"),
)
#: Beyond what a zip holds in memory at once.
EDGE = 2000


def export_of_all(profile: Profile | None = None) -> Export:
    studies = sorted(set(Instance.objects.values_list("study__study_instance_uid", flat=True)))
    scope = Scope(
        principal=Actor(kind="user", id="1", name="reader"),
        studies=frozenset(studies),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        reason="all of them",
    )
    return without_identity.prepare(
        scope,
        studies,
        actor=scope.principal,
        form="zip",
        cleaning=Cleaning(profile or Profile(), b"k" * 32, "CASE"),
        handed=Handed(dt.date(2026, 5, 1)),
    )


def test_the_demo_goes_out_without_identity_and_others_open_it(archive: Archive, peer: Peer, tmp_path: Path) -> None:
    chosen = [path for name in STUDIES for path in sorted((DEMO / name).rglob("*.dcm"))[:12]]
    archive.receive(*chosen)
    export = export_of_all()
    body = b"".join(export.transfer())
    assert len(body) == export.length
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.testzip() is None
        found.extractall(disc := tmp_path / "disc")
    there = FileSet(disc / "DICOMDIR")
    assert len(list(there)) == export.count > 0
    for entry in there:
        assert dcmread(entry.path, force=True).PatientIdentityRemoved == "YES"
    there._stage["t"].cleanup()
    known = Identifiers()
    for path in chosen:
        with path.open("rb") as source:
            known |= Identifiers.of(part10.read_part10(source).dataset)
    # Of all of them together the UIDs: a word of one source's name may be a word of another's technique.
    wanted = Identifiers.named(uids=known.uids)
    for path in (disc / "DICOM").rglob("IM*"):
        with path.open("rb") as copy:
            assert remaining(part10.read_part10(copy).dataset, wanted) == [], path
    shown = subprocess.run([peer("dcmdump"), "DICOMDIR"], cwd=disc, capture_output=True, text=True, check=False)
    assert (shown.returncode, "E:" in shown.stderr) == (0, False), shown.stderr
    assert shown.stdout.count("(0004,1500)") == export.count


def test_a_large_object_goes_on_in_its_middle(archive: Archive) -> None:
    made = arrivals.dataset(Rows=EDGE, Columns=EDGE, PixelData=os.urandom(EDGE * EDGE * 2))
    archive.receive(made)
    export = export_of_all()
    whole = b"".join(export.transfer())
    assert len(whole) == export.length > EDGE * EDGE * 2
    for start in (EDGE, EDGE * EDGE, export.length - 100):
        assert b"".join(export_of_all().transfer(start)) == whole[start:]
    assert timezone.localtime(export.moment).hour == 12
