"""The service keeps its rules whatever page calls it: sides, scopes and quotas, one answer for each piece."""

import io
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Department
from imaging.dicom.wrapping.facts import DocumentFacts
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.source import Source
from imaging.ingest.wrapping import services, targets
from imaging.ingest.wrapping.services import Outcome, Piece, Wishes
from imaging.studies.models import Study
from tests.factories import arrivals, material
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(archive: Archive, data_dir: Path, settings: Any) -> Study:
    """A study of emergency."""
    settings.UPLOAD_DIR = data_dir / "uploads"
    made = arrivals.dataset(StudyTime=None)
    archive.receive(made)
    return archive.study(made.StudyInstanceUID)


def letter() -> Piece:
    """A PDF made ready."""
    content = material.pdf()
    return Piece(
        name="letter.pdf", sha256="0" * 64, facts=DocumentFacts(length=len(content)), stream=io.BytesIO(content)
    )


def person(*departments: Department) -> Source:
    """Somebody who uploads for these departments."""
    keys = tuple(department.pk for department in departments)
    return Source(door="upload", sender="alice", actor_kind="user", actor_id="1", department_ids=keys)


def test_a_piece_joins_the_study_and_a_second_one_gets_a_series_of_its_own(study: Study, emergency: Department) -> None:
    for count in (1, 2):
        target = targets.into(study, zone=targets.zone_of(frozenset({emergency.pk})))
        (told,) = services.wrap([letter()], target=target, wishes=Wishes(), source=person(emergency))
        assert told.outcome is Outcome.NEW
        assert study.series.filter(modality="DOC").count() == count
    numbers = list(study.series.filter(modality="DOC").order_by("pk").values_list("series_number", flat=True))
    assert numbers == [9001, 9002]


def test_whoever_has_nothing_to_say_in_the_study_s_departments_changes_nothing_there(
    study: Study, emergency: Department, orthopaedics: Department
) -> None:
    target = targets.into(study, zone=targets.zone_of(frozenset({emergency.pk})))
    (told,) = services.wrap([letter()], target=target, wishes=Wishes(), source=person(orthopaedics))
    assert told.outcome is Outcome.QUARANTINED
    assert QuarantinedObject.objects.get().reason == "joins_another_study"
    study.refresh_from_db()
    assert study.instance_count == 1


def test_one_piece_that_ends_early_does_not_hold_up_the_others(study: Study, emergency: Department) -> None:
    target = targets.into(study, zone=targets.zone_of(frozenset({emergency.pk})))
    short = Piece(name="short.pdf", sha256="1" * 64, facts=DocumentFacts(length=999), stream=io.BytesIO(b"%PDF"))
    first, second = services.wrap([short, letter()], target=target, wishes=Wishes(), source=person(emergency))
    assert (first.outcome, first.refusal) == (None, "not_kept")
    assert second.outcome is Outcome.NEW


def test_nothing_stays_behind_in_the_folder_of_uploads(study: Study, emergency: Department, settings: Any) -> None:
    target = targets.into(study, zone=targets.zone_of(frozenset({emergency.pk})))
    services.wrap([letter()], target=target, wishes=Wishes(), source=person(emergency))
    assert list(settings.UPLOAD_DIR.iterdir()) == []
