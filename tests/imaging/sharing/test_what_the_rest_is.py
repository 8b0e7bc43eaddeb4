"""What was not shared leaves no trace in what was: neither in counts, nor in what images were called before they were corrected."""

from typing import Any

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.models import User
from imaging.sharing.models.choices import Factor
from imaging.studies import services as studies
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.shared_links import Made, Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"accept": "application/dicom+json"}


def come_in(browser: Client, made: Made) -> str:
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}/dicom-web"


@pytest.fixture
def of_two_kinds(archive: Archive) -> tuple[Study, str]:
    """A study with a series of two films and one of another modality, and the UID of the first series."""
    first = arrivals.dataset(Modality="CR", SeriesDescription="Chest")
    second = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, SeriesInstanceUID=first.SeriesInstanceUID)
    second.Modality = "CR"
    other = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, Modality="CT")
    archive.receive(first, second, other)
    return Study.objects.get(study_instance_uid=first.StudyInstanceUID), first.SeriesInstanceUID


def asked(browser: Client, address: str) -> list[dict[str, Any]]:
    answer = browser.get(address, headers=JSON)
    return list(answer.json()) if answer.status_code == 200 else []


def test_counts_are_those_of_the_shared_series(
    of_two_kinds: tuple[Study, str], sharing: Sharing, outside: Client
) -> None:
    study, series = of_two_kinds
    root = come_in(outside, sharing(study, what="series", series=frozenset({series}), factor=Factor.PRINTED))
    (row,) = asked(outside, f"{root}/studies")
    assert row["00201206"]["Value"] == [1]
    assert row["00201208"]["Value"] == [2]
    assert row["00080061"]["Value"] == ["CR"]
    (below,) = asked(outside, f"{root}/studies/{study.study_instance_uid}/series")
    assert below["00201209"]["Value"] == [2]


@pytest.mark.parametrize(
    "key", ["ModalitiesInStudy=CT", "NumberOfStudyRelatedSeries=2", "NumberOfStudyRelatedInstances=3"]
)
def test_nobody_finds_out_about_the_rest_by_choosing(
    of_two_kinds: tuple[Study, str], sharing: Sharing, outside: Client, key: str
) -> None:
    study, series = of_two_kinds
    root = come_in(outside, sharing(study, what="series", series=frozenset({series}), factor=Factor.PRINTED))
    name = key.partition("=")[0]
    found = [len(asked(outside, f"{root}/studies?{wanted}")) for wanted in (key, f"{name}=7")]
    assert found[0] == found[1]


@pytest.fixture
def corrected(archive: Archive) -> Study:
    """A film that was filed under somebody else first."""
    made = arrivals.dataset(PatientName="Wronglyfiled^Paula", PatientID="OTHER-77")
    archive.receive(made)
    study = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    studies.correct(
        study,
        {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Durand^Jeanne"}]},
            "00100020": {"vr": "LO", "Value": ["P1"]},
        },
        reason="wrong patient chosen",
        actor=SYSTEM,
    )
    study.refresh_from_db()
    return study


def test_who_it_was_thought_to_be_before_is_told_nobody_outside(
    corrected: Study, sharing: Sharing, outside: Client
) -> None:
    root = come_in(outside, sharing(corrected, factor=Factor.PRINTED, may_download=True))
    study = f"{root}/studies/{corrected.study_instance_uid}"
    (header,) = asked(outside, f"{study}/metadata")
    assert header["00100010"]["Value"] == [{"Alphabetic": "Durand^Jeanne"}]
    answers = [
        outside.get(f"{study}/metadata", headers=JSON),
        outside.get(f"{root}/instances?includefield=all", headers=JSON),
        outside.get(study, headers={"accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}),
        outside.get(f"{root.removesuffix('/dicom-web')}/download"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        content = answer.getvalue()
        assert b"Wronglyfiled" not in content
        assert b"OTHER-77" not in content


def test_the_hospital_is_told_what_was_corrected(corrected: Study, client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.get(f"/dicom-web/studies/{corrected.study_instance_uid}/metadata", headers=JSON)
    assert b"Wronglyfiled" in answer.content


def test_a_corrected_object_outside_is_another_one_than_inside(
    corrected: Study, sharing: Sharing, outside: Client, client: Client, alice: User
) -> None:
    root = come_in(outside, sharing(corrected, factor=Factor.PRINTED, may_download=True))
    client.force_login(alice)
    tags = {
        browser.get(f"{base}/studies/{corrected.study_instance_uid}/metadata", headers=JSON)["ETag"]
        for browser, base in ((outside, root), (client, "/dicom-web"))
    }
    assert len(tags) == 2
