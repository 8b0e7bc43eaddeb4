"""A labelled study is absent at every door for who is not cleared: pages, REST, DICOMweb, pictures, exports, DICOM network."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.labels import Label
from accounts.models import Department, User
from accounts.roles import Right
from accounts.scope import Scope, scope_of_departments, scope_of_user
from imaging.studies import services as studies
from imaging.studies.finding.search import Level, Search, batches
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

#: Searches and lists that answer with what there is, in the pages and for programs.
LISTS = (
    "/studies/rows",
    "/palette?q=Secret",
    "/api/v1/studies",
    "/api/v1/patients",
    "/dicom-web/studies",
    "/dicom-web/series",
    "/dicom-web/instances",
)


@pytest.fixture
def there(archive: Archive) -> Addresses:
    """A study with all its pictures, of a patient with a name that must not leak."""
    made = arrivals.dataset(PatientName="Secret^Susan", PatientID="P77", BodyPartExamined="FETUS")
    archive.receive(made)
    return addresses(made)


def answers(client: Client, there: Addresses, **headers: str) -> dict[str, tuple[int, bool]]:
    """By address: the status, and whether the answer names the patient or the study."""
    found = {}
    everything = {*there.all.values(), *there.api.values(), f"/studies/{there.study_uid}/why", *LISTS}
    for address in sorted(everything):
        answer = client.get(address, headers=headers)
        body = answer.getvalue()
        found[address] = (
            answer.status_code,
            b"Secret" in body or (there.study_uid not in address and there.study_uid.encode() in body),
        )
    return found


def test_who_is_not_cleared_gets_the_answer_of_what_is_not_there(
    there: Addresses, alice: User, emergency: Department, client: Client
) -> None:
    client.force_login(alice)
    key = issue_machine_key(emergency, name="emergency-viewer").plaintext
    studies.protect(Study.objects.get(), Label.VIP, reason="test", actor=SYSTEM)
    for one, headers in ((client, {}), (Client(), {"authorization": f"Bearer {key}"})):
        for address, (status, leaks) in answers(one, there, **headers).items():
            assert not leaks, (address, bool(headers))
            if there.study_uid in address:
                assert status in {302, 401, 403, 404, 405} if headers else status in {404, 405}, (
                    address,
                    status,
                    bool(headers),
                )
    assert client.post("/studies/download", {"study": there.study_uid}).status_code in {302, 400, 404}
    exported = client.post("/studies/export.csv", {"state": ""})
    assert b"Secret" not in exported.getvalue()


def test_who_is_cleared_gets_it_at_the_same_doors(there: Addresses, alice: User, client: Client) -> None:
    studies.protect(Study.objects.get(), Label.VIP, reason="test", actor=SYSTEM)
    alice.memberships.update(clears=[Label.VIP])
    client.force_login(alice)
    found = answers(client, there)
    assert found[there.study][0] == 200
    assert found["/studies/rows"] == (200, True)
    assert found["/dicom-web/studies"][1]
    assert found["/api/v1/studies"][1]


@pytest.mark.parametrize("level", list(Level))
def test_a_workstation_and_a_slow_reader_find_no_labelled_study(
    there: Addresses, alice: User, emergency: Department, level: Level
) -> None:
    scopes: tuple[Callable[[], Scope], ...] = (
        lambda: scope_of_departments(principal=SYSTEM, departments=[emergency], rights=Right, reason="test"),
        lambda: scope_of_user(User.objects.get(pk=alice.pk)),
    )
    for scope in scopes:
        assert found_at(scope(), level) == 1
    held = studies.protect(Study.objects.get(), Label.STAFF, reason="test", actor=SYSTEM)
    for scope in scopes:
        assert found_at(scope(), level) == 0
    studies.lift_protection(held, reason="test", actor=SYSTEM)
    for scope in scopes:
        assert found_at(scope(), level) == 1


def found_at(scope: Scope, level: Level) -> int:
    return sum(len(batch.rows) for batch in batches(scope, Search(level=level), actor=SYSTEM, size=10))
