"""A token for another archive: DICOMweb of one share, read by an independent client, and nothing else."""

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.audit.models import AuditEvent
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.factories import arrivals
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(sharing: Sharing, chest: Study, outside: Client) -> str:
    """The address of a share that may be downloaded, opened by ``outside``."""
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}"


def token_of(browser: Client, root: str) -> str:
    answer = browser.post(f"{root}/archive")
    assert answer.status_code == 200
    return str(answer.context["given"].token)


def test_the_token_opens_dicomweb_of_the_share_and_nothing_else(
    root: str, chest: Study, outside: Client, archive: Archive
) -> None:
    archive.receive(arrivals.dataset(PatientID="OTHER"))
    program = Client(HTTP_AUTHORIZATION=f"Bearer {token_of(outside, root)}")
    found = program.get(f"{root}/dicom-web/studies").json()
    assert [row["0020000D"]["Value"][0] for row in found] == [chest.study_instance_uid]
    assert program.get("/dicom-web/studies").status_code == 401
    assert "DURAND" not in program.get(f"{root}/").content.decode()
    assert program.post(f"{root}/archive").status_code in {403, 404}


def test_the_token_of_one_share_opens_no_other(root: str, sharing: Sharing, chest: Study, outside: Client) -> None:
    program = Client(HTTP_AUTHORIZATION=f"Bearer {token_of(outside, root)}")
    other = sharing(chest, factor=Factor.PRINTED, may_download=True)
    assert program.get(f"/s/{other.share.key}/dicom-web/studies").status_code == 401


def test_a_token_in_a_cookie_and_a_cookie_as_a_token_open_nothing(root: str, outside: Client) -> None:
    token = token_of(outside, root)
    name, cookie = next((name, morsel.value) for name, morsel in outside.cookies.items() if "share" in name)
    thief = Client()
    thief.cookies[name] = token
    assert thief.get(f"{root}/dicom-web/studies").status_code == 401
    assert Client(HTTP_AUTHORIZATION=f"Bearer {cookie}").get(f"{root}/dicom-web/studies").status_code == 401


def test_a_token_ends_with_the_share(root: str, outside: Client) -> None:
    program = Client(HTTP_AUTHORIZATION=f"Bearer {token_of(outside, root)}")
    Share.objects.update(state=Share.State.REVOKED)
    assert program.get(f"{root}/dicom-web/studies").status_code == 401


def test_giving_one_is_on_record_and_there_are_not_many(root: str, outside: Client) -> None:
    for _each in range(5):
        token_of(outside, root)
    assert outside.post(f"{root}/archive").status_code == 429
    assert ShareVisit.objects.filter(way="token").count() == 5
    assert AuditEvent.objects.filter(action="share.token_given").count() == 5


def test_who_may_not_download_gets_none(sharing: Sharing, chest: Study, outside: Client) -> None:
    memories.forget()
    made = sharing(chest, factor=Factor.PRINTED)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    assert outside.post(f"/s/{made.share.key}/archive").status_code == 403


def test_an_independent_client_sees_exactly_what_was_shared(
    root: str, chest: Study, outside: Client, archive: Archive, live_server: LiveServer
) -> None:
    other = arrivals.dataset(PatientID="OTHER")
    archive.receive(other)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token_of(outside, root)}"
    client = DICOMwebClient(url=f"{live_server.url}{root}/dicom-web", session=session)
    assert [row["0020000D"]["Value"][0] for row in client.search_for_studies()] == [chest.study_instance_uid]
    objects = client.retrieve_study(chest.study_instance_uid)
    assert [dataset.StudyInstanceUID for dataset in objects] == [chest.study_instance_uid]
    with pytest.raises(requests.HTTPError) as refused:
        client.retrieve_study(other.StudyInstanceUID)
    assert refused.value.response.status_code == 404
