"""dicomweb_client, written by others, searches and retrieves over HTTP from the real web server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from accounts.models import Department
from tests import searched_archive
from tests.factories.accounts import DepartmentFactory, issue_machine_key
from tests.web_servers import ServeWeb

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def client(serve_web: ServeWeb, data_dir: Path, emergency: Department) -> Iterator[DICOMwebClient]:
    """Somebody else's client, with a machine's key of the emergency department."""
    searched_archive.fill(data_dir, emergency, DepartmentFactory.create(code="elsewhere"))
    server = serve_web(workers=1, threads=2)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {issue_machine_key(emergency, name='other').plaintext}"
        yield DICOMwebClient(url=f"{server.url}/dicom-web", session=session)


def numbers(found: list[dict[str, Any]]) -> list[int]:
    return sorted({int(str(row["0020000D"]["Value"][0]).rsplit(".", 1)[1]) for row in found})


def test_it_finds_and_retrieves_what_it_asks_for(client: DICOMwebClient) -> None:
    assert numbers(client.search_for_studies()) == list(range(25))
    assert numbers(client.search_for_studies(limit=10, get_remaining=True)) == list(range(25))
    assert len(client.search_for_studies(limit=4, offset=20)) == 4
    assert numbers(client.search_for_studies(search_filters={"PatientName": "*helene*"})) == [2, 3]
    assert numbers(client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "clair dupo"})) == [1]
    assert numbers(client.search_for_studies(search_filters={"StudyDate": "20260105-20260107"})) == [4, 5, 6]
    assert numbers(client.search_for_studies(search_filters={"ModalitiesInStudy": "US", "PatientSex": "F"})) == [3, 15]
    (study,) = client.search_for_studies(
        fields=["PatientAge", "StudyDescription"], search_filters={"PatientID": "MRN003"}
    )
    assert study["00081030"]["Value"] == ["CT thorax"]
    assert client.search_for_studies(search_filters={"PatientID": "NOBODY"}) == []

    uid = searched_archive.uid(3)
    series = client.search_for_series(uid, fields=["SeriesDate"], search_filters={"SeriesNumber": "2"})
    assert [row["00080021"]["Value"] for row in series] == [["20260104"]]
    assert len(client.search_for_series(search_filters={"Modality": "US"})) == 6
    assert len(client.search_for_instances(uid)) == 4
    assert len(client.search_for_instances(uid, f"{uid}.1", search_filters={"InstanceNumber": "2"})) == 1

    assert len(client.retrieve_study(uid)) == 4
    assert len(client.retrieve_series(uid, f"{uid}.1")) == 2
    found = client.retrieve_instance(uid, f"{uid}.1", f"{uid}.1.2")
    assert (found.PatientID, found.SOPInstanceUID) == ("MRN003", f"{uid}.1.2")
    assert len(client.retrieve_study_metadata(uid)) == 4
    assert len(client.retrieve_series_metadata(uid, f"{uid}.2")) == 2
    assert client.retrieve_instance_metadata(uid, f"{uid}.1", f"{uid}.1.1")["00280010"]["Value"] == [8]
    (frame,) = client.retrieve_instance_frames(uid, f"{uid}.1", f"{uid}.1.1", frame_numbers=[1])
    assert len(frame) == 128


def test_what_is_not_its_departments_it_does_not_find(client: DICOMwebClient) -> None:
    hidden = searched_archive.uid(27)
    assert client.search_for_studies(search_filters={"StudyInstanceUID": hidden}) == []
    for ask in (client.search_for_series, client.retrieve_study_metadata, client.retrieve_study):
        with pytest.raises(requests.HTTPError) as refused:
            ask(hidden)
        assert refused.value.response.status_code == 404
