"""The pages of an import: its owner's alone, in words, and safe from what files are called."""

import uuid
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.imports.contents import MOST_STUDIES
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import
from imaging.ingest.spool import Spool
from imaging.studies.models import Instance
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.ingest.imports.deliveries import brought, confirmed, worked_on
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESSES = ("", "progress", "confirm", "discard", "stop")


def text(client: Client, delivery: Import, **query: str) -> str:
    answer = client.get(f"/import/{delivery.pk}/", query)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return answer.content.decode()


def test_an_import_is_its_owner_s_alone(
    spool: Spool, alice: User, emergency: Department, charlie: User, client: Client
) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset(PatientName="Secret^S"))}))
    colleague = UserFactory.create(username="dora")
    MembershipFactory.create(user=colleague, department=emergency, role=Role.DEPARTMENT_MANAGER)
    for user in (None, charlie, colleague):
        if user is not None:
            client.force_login(user)
        for name in ADDRESSES:
            answers = [client.get(f"/import/{pk}/{name}") for pk in (delivery.pk, uuid.uuid4())]
            answers += [client.post(f"/import/{pk}/{name}") for pk in (delivery.pk, uuid.uuid4())]
            wanted = {302, 405} if user is None else {404, 405}
            assert {one.status_code for one in answers} <= wanted, name
            assert answers[0].status_code == answers[1].status_code
            assert answers[2].status_code == answers[3].status_code
            assert b"Secret" not in b"".join(one.content for one in answers)
    delivery.refresh_from_db()
    assert delivery.state == Import.State.WAITING


def test_as_many_studies_as_are_shown_can_be_confirmed(
    spool: Spool, alice: User, emergency: Department, client: Client
) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset())}))
    client.force_login(alice)
    [uid] = delivery.summary["people"][0]["studies"]
    chosen = [uid, *(arrivals.uid() for _ in range(MOST_STUDIES - 1))]
    answer = client.post(f"/import/{delivery.pk}/confirm", {"p1": "new", "p1-issuer": "Elsewhere", "study": chosen})
    assert answer.status_code == 302
    delivery.refresh_from_db()
    assert delivery.state == Import.State.REGISTERING


def test_who_lost_the_right_to_upload_cannot_confirm(
    spool: Spool, alice: User, emergency: Department, client: Client
) -> None:
    delivery = worked_on(brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset())}))
    alice.memberships.update(role=Role.TRAINEE)
    client.force_login(alice)
    uid = next(iter(delivery.summary["people"][0]["studies"]))
    assert (
        client.post(f"/import/{delivery.pk}/confirm", {"p1": "new", "p1-issuer": "X", "study": uid}).status_code == 403
    )


def test_one_press_imports_the_obvious(
    spool: Spool, archive: Archive, alice: User, emergency: Department, client: Client
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"))
    made = arrivals.dataset(PatientID="P1")
    delivery = worked_on(brought(alice, emergency, {"a": arrivals.encoded(made)}))
    client.force_login(alice)
    page = text(client, delivery)
    assert "autofocus" in page
    pk = page.partition('value="here:')[2].partition('"')[0]
    answer = client.post(
        f"/import/{delivery.pk}/confirm", {"p1": f"here:{pk}", "study": made.StudyInstanceUID}, follow=True
    )
    assert "Importing" in answer.content.decode()
    Importer().work()
    assert Instance.objects.count() == 2
    assert f"/studies/{made.StudyInstanceUID}/" in text(client, delivery)


def test_what_is_missing_is_said_beside_the_patient(
    spool: Spool, archive: Archive, alice: User, emergency: Department, client: Client
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"))
    made = arrivals.dataset(PatientID="P1", PatientName="Petit^Marc", PatientSex="M")
    delivery = worked_on(brought(alice, emergency, {"a": arrivals.encoded(made)}))
    client.force_login(alice)
    assert "the name differs, the sex differs" in text(client, delivery)
    answer = client.post(f"/import/{delivery.pk}/confirm", {"study": made.StudyInstanceUID})
    assert answer.status_code == 422
    assert "Say who this patient is" in answer.content.decode()
    answer = client.post(
        f"/import/{delivery.pk}/confirm", {"p1": "new", "p1-issuer": " ", "study": made.StudyInstanceUID}
    )
    assert "Say who gave this patient number" in answer.content.decode()
    assert client.post(f"/import/{delivery.pk}/confirm", {"p1": "here:99999999", "study": "1.2"}).status_code == 422


def test_hostile_names_are_shown_as_text(spool: Spool, alice: User, emergency: Department, client: Client) -> None:
    markup = "<script>alert(1)</script>{{7*7}}\u202e"
    made = arrivals.dataset(
        PatientName=f"{markup}^X", PatientID="<b>77", StudyDescription=markup, SeriesDescription=markup
    )
    files = {f"{markup}.exe": b"MZ", "a": arrivals.encoded(made)}
    delivery = worked_on(brought(alice, emergency, files))
    client.force_login(alice)
    for page in (text(client, delivery), text(client, worked_on(confirmed(delivery)), show="skipped")):
        assert "<script>alert" not in page
        assert "<b>77" not in page
        assert "{{7*7}}" in page


def test_progress_is_cheap_and_asks_to_load_again_when_it_is_done(
    spool: Spool, alice: User, emergency: Department, client: Client, django_assert_max_num_queries: object
) -> None:
    delivery = brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset())})
    client.force_login(alice)
    address = f"/import/{delivery.pk}/progress?state=examining"
    # The session's first answer also finds out where its person is; this one is asked every second.
    client.get(address)
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        answer = client.get(address)
    assert answer.status_code == 200
    assert "every 1s" in answer.content.decode()
    worked_on(delivery)
    answer = client.get(address)
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_discarding_and_stopping_by_hand(spool: Spool, alice: User, emergency: Department, client: Client) -> None:
    client.force_login(alice)
    first = worked_on(brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset())}))
    assert "It was discarded" in client.post(f"/import/{first.pk}/discard", follow=True).content.decode()
    second = confirmed(worked_on(brought(alice, emergency, {"a": arrivals.encoded(arrivals.dataset())})))
    client.post(f"/import/{second.pk}/stop")
    assert "It was stopped" in text(client, worked_on(second))
    assert not Instance.objects.exists()


def test_a_disc_is_shown_with_everything_that_is_not_right(
    spool: Spool, alice: User, emergency: Department, client: Client, disc: Path
) -> None:
    files = {str(file.relative_to(disc)): file for file in disc.rglob("*") if file.is_file()}
    files.pop("77654033/CR1/6154")
    delivery = worked_on(
        brought(alice, emergency, {**files, "broken.dcm": b"DICOM it is not", "holiday.jpg": b"\xff\xd8\xff"})
    )
    client.force_login(alice)
    page = text(client, delivery)
    assert "1 file that the index of the disc names is not there." in page
    assert "77654033/CR1/6154" in page
    assert "broken.dcm" in page
    assert "Not a DICOM object." in page
    assert "1 picture or document is no DICOM object" in page
