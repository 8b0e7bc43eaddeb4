"""What a recipient takes home: exactly what was shared, with who shared it, its receipt, and its report once it may be read."""

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from imaging.sharing.making.policies import What
from imaging.sharing.models import Share, ShareEvent
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies.models import Series, Study
from tests import memories
from tests.factories import arrivals
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

ComeIn = Callable[..., str]


@pytest.fixture
def come_in(sharing: Sharing, outside: Client) -> ComeIn:
    """Share something that may be downloaded, and open it: the address below which it lies."""
    memories.forget()

    def opened(*studies: Study, **changes: object) -> str:
        made = sharing(*studies, **{"factor": Factor.PRINTED, "may_download": True, **changes})
        open_link(outside, made)
        outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
        return f"/s/{made.share.key}"

    return opened


def taken(browser: Client, address: str) -> zipfile.ZipFile:
    answer = browser.get(address)
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_it_says_who_shared_what_and_holds_the_digest_of_every_file(
    come_in: ComeIn, chest: Study, outside: Client
) -> None:
    root = come_in(chest, note="As we said.")
    kept = taken(outside, f"{root}/studies/{chest.study_instance_uid}/download")
    page = kept.read("index.html").decode()
    assert "Alice Martin" in page
    assert "As we said." in page
    receipt = json.loads(kept.read("receipt.json"))
    assert root.rsplit("/", 1)[1] in json.dumps(receipt)
    assert "DICOMDIR" in kept.namelist()


def test_only_the_chosen_series_is_in_it(come_in: ComeIn, archive: Archive, outside: Client) -> None:
    uid = arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=uid, SeriesNumber=number) for number in (1, 2)]
    archive.receive(*made)
    study = Study.objects.get(study_instance_uid=uid)
    root = come_in(study, what=What.SERIES, series=frozenset({made[0].SeriesInstanceUID}))
    kept = taken(outside, f"{root}/download")
    assert len([name for name in kept.namelist() if name.startswith("DICOM/")]) == 1
    assert Series.objects.count() == 2


def test_taking_it_is_on_record_and_in_the_list_of_its_owner(come_in: ComeIn, chest: Study, outside: Client) -> None:
    taken(outside, f"{come_in(chest)}/download")
    event = AuditEvent.objects.get(action="study.exported")
    assert (event.actor_kind, event.subject_uid) == ("share", chest.study_instance_uid)
    assert ShareEvent.objects.filter(kind="downloaded").count() == 1


def test_after_the_end_the_page_says_so_instead(come_in: ComeIn, chest: Study, outside: Client) -> None:
    root = come_in(chest)
    now = timezone.now()
    Share.objects.update(valid_from=now - dt.timedelta(days=2), valid_until=now - dt.timedelta(days=1))
    answer = outside.get(f"{root}/download", headers={"sec-fetch-mode": "navigate"})
    assert (answer.status_code, answer["Location"]) == (302, f"{root}/")
    assert "This link has ended" in outside.get(f"{root}/").content.decode()


def test_a_patient_who_may_not_read_the_report_yet_does_not_find_it_in_the_zip(
    come_in: ComeIn, chest: Study, outside: Client, share_policy: Callable[..., object]
) -> None:
    share_policy(report_hours=72)
    root = come_in(chest, recipient=Recipient.PATIENT, with_report=True)
    assert not [name for name in taken(outside, f"{root}/download").namelist() if "REPORT" in name]
