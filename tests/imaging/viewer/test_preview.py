"""The panel beside the list: what it shows to whom, and what is on record about it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.actor import Actor
from accounts.audit import coalescing
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Right
from accounts.scope import scope_of_departments
from imaging.viewer import preview
from tests import memories
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.queries import of_the_page
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def chest(archive: Archive) -> Any:
    made = arrivals.dataset(
        StudyDescription="Chest PA",
        ReasonForTheRequestedProcedure="Breathless for 3 weeks",
        AdditionalPatientHistory="Melanoma",
        IssuerOfPatientID="HOSPITAL",
    )
    archive.receive(made)
    return made


def panel_of(made: Any) -> str:
    return f"/studies/{made.StudyInstanceUID}/preview"


def looks() -> list[str]:
    coalescing.forget_all()
    return list(AuditEvent.objects.filter(action="study.previewed").values_list("subject_uid", flat=True))


def test_it_shows_pictures_facts_and_why_the_exam_was_made(
    chest: Any, archive: Archive, decoders: Pool, alice: User, client: Client
) -> None:
    archive.draw(chest.StudyInstanceUID)
    client.force_login(alice)
    text = client.get(panel_of(chest)).content.decode()
    assert "Breathless for 3 weeks" in text
    assert "Melanoma" in text
    assert "DURAND" in text
    assert f"/series/{chest.SeriesInstanceUID}/thumbnail?v=" in text
    assert f'data-large="/studies/{chest.StudyInstanceUID}/series/' in text
    assert "Emergency" in text


def test_a_look_is_on_record_once_and_what_is_fetched_ahead_as_that(chest: Any, alice: User, client: Client) -> None:
    client.force_login(alice)
    ahead = client.get(f"{panel_of(chest)}?ahead")
    assert ahead.status_code == 200
    assert looks() == []
    # The texts are out all the same, and whether anybody looks is the browser's word.
    fetched = AuditEvent.objects.get(action="study.prefetched")
    assert (fetched.actor_id, fetched.subject_uid) == (str(alice.pk), chest.StudyInstanceUID)
    shown = client.get(panel_of(chest), headers={"If-None-Match": ahead["ETag"]})
    assert shown.status_code == 304
    assert looks() == [chest.StudyInstanceUID]
    client.get(panel_of(chest))
    assert looks() == [chest.StudyInstanceUID]


def test_it_is_sent_again_when_something_changed(chest: Any, archive: Archive, alice: User, client: Client) -> None:
    client.force_login(alice)
    before = client.get(panel_of(chest))["ETag"]
    more = arrivals.dataset(
        StudyInstanceUID=chest.StudyInstanceUID, PatientID=chest.PatientID, IssuerOfPatientID="HOSPITAL"
    )
    archive.receive(more)
    after = client.get(panel_of(chest), headers={"If-None-Match": before})
    assert after.status_code == 200
    assert b"2 series" in after.content


def test_who_may_only_list_the_study_gets_facts_and_no_picture(
    chest: Any, archive: Archive, decoders: Pool, emergency: Department, alice: User, rf: RequestFactory
) -> None:
    archive.draw(chest.StudyInstanceUID)
    request = rf.get(panel_of(chest))
    request.user = alice
    request.actor = Actor(kind="user", id=str(alice.pk), name="alice")  # type: ignore[attr-defined]
    request.scope = scope_of_departments(  # type: ignore[attr-defined]
        principal=request.actor,
        departments=[emergency],
        rights=[Right.LIST],
        reason="lists only",  # type: ignore[attr-defined]
    )
    answer: Any = preview.panel(request, study_instance_uid=chest.StudyInstanceUID)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Chest PA" in text
    assert "<img" not in text
    assert "Breathless" not in text
    assert "/viewer/" not in text
    assert looks() == []
    assert not AuditEvent.objects.filter(action="study.refused").exists()


def test_a_stranger_hears_nothing_and_the_asking_is_on_record(chest: Any, bob: User, client: Client) -> None:
    client.force_login(bob)
    absent = client.get("/studies/1.2.3/preview")
    assert client.get(panel_of(chest)).status_code == absent.status_code == 404
    assert AuditEvent.objects.filter(action="study.refused", subject_uid=chest.StudyInstanceUID).count() == 1


def test_hostile_text_is_shown_as_text(archive: Archive, alice: User, client: Client) -> None:
    made = arrivals.dataset(
        StudyDescription=HOSTILE[:60],
        SeriesDescription=HOSTILE[:60],
        ReasonForTheRequestedProcedure=HOSTILE,
        AdditionalPatientHistory=HOSTILE * 100,
    )
    archive.receive(made)
    client.force_login(alice)
    text = client.get(panel_of(made)).content.decode()
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    assert len(text) < 20_000


def test_it_costs_the_same_few_questions_whatever_the_study_holds(
    archive: Archive, decoders: Pool, alice: User, client: Client
) -> None:
    client.force_login(alice)
    counts = []
    for series in (1, 9):
        study = arrivals.uid()
        archive.receive(
            *(arrivals.dataset(StudyInstanceUID=study, PatientID=f"S{series}", SeriesNumber=n) for n in range(series))
        )
        archive.draw(study)
        client.get(f"/studies/{study}/preview")
        memories.forget()  # what is remembered for a second would be asked again on a slow day only
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/studies/{study}/preview")
        counts.append(len(of_the_page(asked)))
    assert counts[0] == counts[1] <= 29
