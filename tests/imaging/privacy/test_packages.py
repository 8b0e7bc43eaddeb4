"""A copy of a patient's data: made in the background, handed over on record, and not for ever."""

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone
from pydicom import dcmread

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import User
from imaging.events.models import Job
from imaging.pipeline import steps
from imaging.privacy.looking import selectors
from imaging.privacy.looking.grounds import Ground
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.looking.selectors import Period
from imaging.privacy.models import DataPackage, DataSubjectRequest
from imaging.privacy.packages import folder, services
from imaging.studies import services as studies
from imaging.studies.models import Patient, Study

pytestmark = pytest.mark.django_db

Asked = Callable[..., DataSubjectRequest]


@pytest.fixture
def package(asked: Asked, acting: Actor) -> DataPackage:
    """A package that was asked for."""
    return services.ask(asked("portability"), language="en", has_images=True, actor=acting)


def content_of(response: object) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_the_package_holds_images_index_and_what_is_held_in_words(
    desk: Client, package: DataPackage, study: Study, alice: User, look: Callable[..., None]
) -> None:
    look(alice, study)
    while steps.run_next(Job.Queue.LONG):
        pass
    package.refresh_from_db()
    assert package.state == "ready"
    response = desk.post(f"/privacy/packages/{package.key}/download")
    content = content_of(response)
    assert hashlib.sha256(content).hexdigest() == package.digest
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        held = json.loads(archive.read("DATA/DATA.JSON"))
        images = [name for name in names if name.startswith("DICOM") and name != "DICOMDIR"]
        made = dcmread(io.BytesIO(archive.read(images[0])))
    assert "DICOMDIR" in names
    assert made.PatientID == "P1"
    assert held["patient"]["patient_id"] == "P1"
    assert [row["study_instance_uid"] for row in held["studies"]] == [study.study_instance_uid]
    assert any("opened an examination" in row["what"] for row in held["access"])
    assert all("Alice" not in row["who"] for row in held["access"]), "names only where the letterhead says so"
    assert AuditEvent.objects.filter(action="package.exported", patient_id="P1").count() == 1
    now = timezone.localdate()
    groups = selectors.looks_at(identity_of(study.patient), Period(now - timedelta(days=1), now)).groups
    (prepared,) = [group for group in groups if group.account == "olga"]
    assert [told.ground for told in prepared.grounds] == [Ground.DESK]
    assert AuditEvent.objects.filter(action="study.exported", patient_id="P1").count() == 1


def test_a_restricted_record_is_the_patients_own_all_the_same(
    package: DataPackage, patient: Patient, acting: Actor
) -> None:
    studies.protect(patient, Label.RESTRICTED, reason="accuracy contested", actor=SYSTEM)
    services.write(str(package.key))
    package.refresh_from_db()
    assert (package.state, package.total) == ("ready", 1)


def test_another_patients_studies_are_not_in_it(
    package: DataPackage, registered: Callable[..., Study], acting: Actor
) -> None:
    registered(PatientID="P9", PatientName="Autre^Paul")
    services.write(str(package.key))
    with zipfile.ZipFile(folder.path_of(package.key)) as archive:
        assert b"P9" not in archive.read("DATA/DATA.JSON")
        assert len([name for name in archive.namelist() if name.startswith("DICOM/")]) <= 1


def test_a_package_that_was_stopped_leaves_nothing(desk: Client, package: DataPackage) -> None:
    desk.post(f"/privacy/packages/{package.key}/cancel")
    services.write(str(package.key))
    package.refresh_from_db()
    assert package.state == "cancelled"
    assert not folder.path_of(package.key).exists()
    assert desk.post(f"/privacy/packages/{package.key}/download").status_code == 302


def test_stopping_while_it_is_written_is_noticed_at_the_next_object(package: DataPackage) -> None:
    held = services.holdings.files_of

    def stopped_meanwhile(*args: object, **names: object) -> object:
        services.cancel(package)
        return held(*args, **names)  # type: ignore[arg-type]

    with mock.patch.object(services.holdings, "files_of", stopped_meanwhile):
        services.write(str(package.key))
    assert DataPackage.objects.get().state == "cancelled"
    assert list(folder.path_of(package.key).parent.iterdir()) == []


def test_it_is_not_handed_over_when_that_cannot_be_put_on_record(package: DataPackage, acting: Actor) -> None:
    services.write(str(package.key))
    package.refresh_from_db()
    with mock.patch("accounts.audit.table.write", return_value="23514"), pytest.raises(audit.AuditUnavailable):
        services.hand_over(package, actor=acting)
    assert not package.request.lines.filter(what="handed_over").exists()


def test_it_is_taken_away_when_its_days_are_over(package: DataPackage, acting: Actor) -> None:
    services.write(str(package.key))
    DataPackage.objects.update(until=timezone.now() - timedelta(seconds=1))
    package.refresh_from_db()
    with pytest.raises(services.NotReady):
        services.hand_over(package, actor=acting)
    assert services.let_go() == 1
    assert not folder.path_of(package.key).exists()
    assert DataPackage.objects.get().state == "expired"


def test_its_folder_and_file_are_for_the_portal_alone(package: DataPackage) -> None:
    services.write(str(package.key))
    path: Path = folder.path_of(package.key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_damaged_fails_the_package_and_leaves_nothing(package: DataPackage, data_dir: Path) -> None:
    for path in (data_dir / "tiers").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\0" * path.stat().st_size)
    with (
        mock.patch.object(services.exports, "prepare", side_effect=OSError("disk")),
        pytest.raises(OSError, match="disk"),
    ):
        services.write(str(package.key))
    package.refresh_from_db()
    assert (package.state, package.problem) == ("failed", "OSError")


def test_progress_is_a_fragment_that_stops_asking_when_it_is_ready(desk: Client, package: DataPackage) -> None:
    page = desk.get(f"/privacy/packages/{package.key}/").content.decode()
    assert "hx-trigger" in page
    services.write(str(package.key))
    page = desk.get(f"/privacy/packages/{package.key}/").content.decode()
    assert "hx-trigger" not in page
    assert "Download to hand over" in page
    assert desk.get(f"/privacy/packages/{uuid.uuid4()}/").status_code == 404
