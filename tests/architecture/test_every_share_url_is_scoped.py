"""Every address that a share has is known here, and shows nothing but what was shared.

A route that is not in the table fails the first test: whoever adds one says how it is asked, and whom it may answer.
"""

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import Department, User
from imaging.sharing.models import RecordPolicy, Share, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.sharing.record import services as giving
from imaging.studies.models import Instance, Placement, Study
from tests.architecture.test_every_url_is_scoped import OF_A_STUDY as PORTAL
from tests.architecture.test_every_url_is_scoped import address_of, routes
from tests.factories import arrivals
from tests.imaging.sharing.record.conftest import come_in, wish
from tests.shared_links import Sharing, open_link, person
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

URLCONF = "portal.share_urls"

#: Before the second proof: tests/imaging/sharing/test_entrance.py.
ENTRANCE = {"share:page", "share:open", "share:prove", "share:code", "share:leave", "share:earlier", "set_language"}
#: Searches: what was not shared is not found, tests/imaging/sharing/test_door.py.
SEARCHES = {"dicomweb:studies", "dicomweb:all-series", "dicomweb:all-instances"} | {"share:download", "share:archive"}
#: Of copies without identity of what was shared: tests/imaging/viewer/test_shared_without_identity.py.
SEARCHES |= {"share:download-clean", "share:download-clean-zip"}
#: Whether the link still opens something: tests/imaging/sharing/test_door.py.
SEARCHES |= {"share:standing"}
#: Sending images back shows nothing of a study: tests/imaging/sharing/test_receiving.py.
RECEIVING = {"share:tus", "share:tus-file"} | {
    f"share:upload{part}" for part in ("", "-begin", "-files", "-received", "-cancelled")
}
#: Of health wallets, which prove themselves by the link and its passcode: tests/imaging/sharing/health_link/.
WALLETS = {f"share:health-link{part}" for part in ("", "-open", "-manifest", "-file")}
#: Of a patient's record, which alone has them: tests/imaging/sharing/record/.
RECORDS = {f"share:record-{part}" for part in ("looks", "sign-out", "close", "end-proxy")}
#: A share's own routes of a study, and those of the portal that it has.
OWN = {"share:download-study": "download", "share:report": "report.pdf"}
OF_A_STUDY = {
    *OWN,
    *(f"viewer:{name}" for name in ("viewer", "manifest", "markings", "download-image", "series-cine")),
    *(f"viewer:{name}-thumbnail" for name in ("study", "series", "instance")),
    *("viewer:instance-preview", *(f"viewer:document{part}" for part in ("", "-file", "-page", "-video"))),
    *(name for name in PORTAL if name.startswith("dicomweb:")),
}


def below(key: str, name: str, there: Addresses) -> str:
    """The address of a route for a study, below a share."""
    path = f"/studies/{there.study_uid}/{OWN[name]}" if name in OWN else address_of(name, there)
    return f"/s/{key}{path}"


def test_every_route_of_a_share_is_in_the_table() -> None:
    found = {name for _path, name in routes(get_resolver(URLCONF))}
    assert found == ENTRANCE | SEARCHES | RECEIVING | WALLETS | RECORDS | OF_A_STUDY


def test_no_address_of_a_share_can_be_reached_outside_of_one() -> None:
    outside = {name for _path, name in routes(get_resolver())}
    assert not {name for name in outside if name.startswith("share:")}


@pytest.fixture
def two(archive: Archive) -> tuple[Addresses, Addresses]:
    """A study that is shared, and one that is not, of the same department."""
    made = [arrivals.dataset(PatientID=f"P{number}") for number in (1, 2)]
    for dataset in made:
        archive.receive(dataset)
    return addresses(made[0]), addresses(made[1])


@pytest.fixture
def visited(two: tuple[Addresses, Addresses], sharing: Sharing, outside: Client) -> str:
    """The key of a share with everything allowed, that ``outside`` has opened."""
    study = Study.objects.get(study_instance_uid=two[0].study_uid)
    made = sharing(study, factor=Factor.PRINTED, may_download=True, with_report=True)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return made.share.key


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_what_was_not_shared_is_absent_at_every_address(
    visited: str, two: tuple[Addresses, Addresses], outside: Client, name: str
) -> None:
    assert outside.get(below(visited, name, two[1])).status_code == 404, name


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_who_did_not_open_the_link_gets_nothing(visited: str, two: tuple[Addresses, Addresses], name: str) -> None:
    answer = Client().get(below(visited, name, two[0]))
    assert answer.status_code == (401 if name.startswith("dicomweb:") else 404), name


def test_what_was_shared_is_there(visited: str, two: tuple[Addresses, Addresses], outside: Client) -> None:
    for name in ("viewer:viewer", "viewer:manifest", "viewer:markings", "dicomweb:study-metadata", "dicomweb:study"):
        answer = outside.get(below(visited, name, two[0]))
        assert answer.status_code == 200, name
        answer.close()
    assert Instance.objects.count() == 2


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_a_revoked_share_is_closed_at_every_address(
    visited: str, two: tuple[Addresses, Addresses], outside: Client, name: str
) -> None:
    Share.objects.filter(key=visited).update(state=Share.State.REVOKED)
    answer = outside.get(below(visited, name, two[0]))
    assert answer.status_code == (401 if name.startswith("dicomweb:") else 404), name


@pytest.fixture
def record(
    two: tuple[Addresses, Addresses], outside: Client, alice: User, emergency: Department
) -> tuple[str, Addresses]:
    """The key of a standing link to the record of one patient, opened by ``outside``, and a study of another patient."""
    RecordPolicy.objects.create(department=emergency, is_given=True)
    study = Study.objects.get(study_instance_uid=two[0].study_uid)
    made = giving.give(person(alice, emergency), wish(study))
    come_in(outside, made)
    assert outside.get(below(made.share.key, "viewer:manifest", two[0])).status_code == 200
    return made.share.key, two[1]


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_a_record_shows_nothing_of_another_patient_at_any_address(
    record: tuple[str, Addresses], outside: Client, name: str
) -> None:
    assert outside.get(below(record[0], name, record[1])).status_code == 404, name


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_a_record_without_its_second_code_is_closed_at_every_address(
    record: tuple[str, Addresses], two: tuple[Addresses, Addresses], outside: Client, name: str
) -> None:
    ShareVisit.objects.update(proved_at=None)
    answer = outside.get(below(record[0], name, two[0]))
    assert answer.status_code == (401 if name.startswith("dicomweb:") else 404), name


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"}))
def test_a_protected_study_is_at_no_address_of_a_record(
    record: tuple[str, Addresses], two: tuple[Addresses, Addresses], archive: Archive, outside: Client, name: str
) -> None:
    # Another one stays, so that the record is not closed as a whole.
    archive.receive(arrivals.dataset(PatientID="P1"))
    Study.objects.filter(study_instance_uid=two[0].study_uid).update(sensitivity="protected")
    Placement.objects.filter(study__study_instance_uid=two[0].study_uid).update(sensitivity="protected")
    assert outside.get(below(record[0], name, two[0])).status_code == 404, name


#: What is told of a study without its images: that there is one, of which series and instances.
TOLD_WITHOUT_IMAGES = {f"dicomweb:{each}" for each in ("series-of-study", "instances-of-study", "instances-of-series")}


@pytest.mark.parametrize("name", sorted(OF_A_STUDY - {"dicomweb:root"} - TOLD_WITHOUT_IMAGES))
def test_a_record_without_images_gives_none_at_any_address(
    record: tuple[str, Addresses], two: tuple[Addresses, Addresses], outside: Client, name: str
) -> None:
    RecordPolicy.objects.update(shows_images=False)
    assert outside.get(below(record[0], name, two[0])).status_code in {403, 404}, name
