"""Pushing studies by C-STORE to DCMTK's storescp: what goes, what does not, and what happens when it is away."""

from pathlib import Path

import pydicom
import pytest

from accounts.models import AuditEvent
from imaging.pipeline import steps
from imaging.queues import LONG
from imaging.sharing.models import PartnerTransfer, TransferObject
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.partner_archives import MakePartner, Push, StartElsewhere
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)
State = PartnerTransfer.State


def work() -> None:
    """Do what the long queue holds now."""
    while steps.run_next(LONG):
        pass


def now(transfer: PartnerTransfer) -> PartnerTransfer:
    return PartnerTransfer.objects.get(pk=transfer.pk)


@pytest.fixture
def slices(archive: Archive) -> Study:
    """A CT of five slices."""
    study, series = arrivals.uid(), arrivals.uid()
    made = [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
        for number in range(1, 6)
    ]
    archive.receive(*made)
    return Study.objects.get(study_instance_uid=study)


def test_a_study_arrives_and_is_on_record(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push
) -> None:
    lyon = elsewhere()
    transfer = push(slices, dimse_partner(lyon.port))
    assert transfer.state == State.WAITING
    work()
    done = now(transfer)
    assert (done.state, done.total, done.sent, done.refused) == (State.DONE, 5, 5, 0)
    assert done.octets > 0
    sent = [pydicom.dcmread(path) for path in lyon.files]
    assert {made.StudyInstanceUID for made in sent} == {slices.study_instance_uid}
    assert sorted(int(made.InstanceNumber) for made in sent) == [1, 2, 3, 4, 5]
    assert not TransferObject.objects.exists()
    told = list(AuditEvent.objects.filter(action__startswith="transfer.").order_by("id"))
    assert [event.action for event in told] == ["transfer.asked", "transfer.started", "transfer.done"]
    assert {event.subject_uid for event in told} == {slices.study_instance_uid}
    assert {event.detail["receiver"] for event in told} == {"CHU Lyon"}
    assert told[-1].detail["sent"] == 5
    assert not list((Path(lyon.folder).parent).glob("**/sending/*"))
