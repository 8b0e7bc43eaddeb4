"""What each sender handed over is on its receipt, a quota is a limit, and silence is noticed."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Department
from accounts.notifications import mailing
from imaging.ingest import intake, quotas, senders, services, silence
from imaging.ingest.models import ApplicationEntity, Quota, Receipt
from imaging.ingest.registrar import Drained
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from tests.factories import accounts as people
from tests.factories import arrivals
from tests.imaging.ingest.conftest import Send

Drain = Callable[[], Drained]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "allowance", quotas.Allowance())


def _source(department: Department) -> Source:
    return Source(door="dicomweb", sender="RIS", address="10.0.0.9", department_ids=(department.pk,))


def test_a_receipt_counts_what_became_of_everything(
    send: Send, drain: Drain, spool: Spool, emergency: Department
) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    send(content, "CT1", emergency)
    send(content, "CT1", emergency)
    send(arrivals.dataset(PatientName="Other^Person"), "CT1", emergency)
    drain()
    receipt = Receipt.objects.get()
    assert (receipt.sender, receipt.door, receipt.last_address) == ("CT1", "dimse", "10.0.0.7")
    assert (receipt.new, receipt.duplicate, receipt.quarantined, receipt.refused) == (1, 1, 1, 0)
    assert receipt.octets >= 3 * len(content) - 100
    assert receipt.longest_wait > 0


def test_a_refusal_stands_on_the_receipt_with_its_words(spool: Spool, emergency: Department) -> None:
    with pytest.raises(services.Refused):
        services.hold(io.BytesIO(b"GIF89a" + bytes(200)), source=_source(emergency))
    receipt = Receipt.objects.get()
    assert (receipt.sender, receipt.refused, receipt.new) == ("RIS", 1, 0)
    assert receipt.last_refusal.startswith("not_dicom")


def test_receipts_add_up_within_an_hour(spool: Spool, emergency: Department) -> None:
    for _ in range(3):
        intake.register([services.hold(io.BytesIO(arrivals.encoded(arrivals.dataset())), source=_source(emergency))])
    assert Receipt.objects.get().new == 3


@pytest.mark.parametrize("limit", [{"objects_per_day": 1}, {"megabytes_per_day": 0}])
def test_who_is_over_the_quota_is_refused_and_others_are_not(
    spool: Spool, emergency: Department, limit: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Quota.objects.create(sender="RIS", **limit)
    content = arrivals.encoded(arrivals.dataset())
    intake.register([services.hold(io.BytesIO(content), source=_source(emergency))])
    monkeypatch.setattr(services, "allowance", quotas.Allowance())
    with pytest.raises(services.QuotaReached, match="quota"):
        services.hold(io.BytesIO(content), source=_source(emergency))
    other = Source(door="dicomweb", sender="PARTNER", department_ids=(emergency.pk,))
    services.hold(io.BytesIO(content), source=other).claim.give_back()


def test_a_quota_counts_for_its_door_only(emergency: Department) -> None:
    Quota.objects.create(sender="*", door="dimse", objects_per_day=0)
    Receipt.objects.create(hour=timezone.now(), door="dicomweb", sender="RIS", new=5, last_at=timezone.now())
    assert not quotas.exhausted()
    Receipt.objects.create(hour=timezone.now(), door="dimse", sender="CT1", new=5, last_at=timezone.now())
    assert quotas.exhausted() == {("dimse", "CT1")}


def test_yesterdays_objects_do_not_count(emergency: Department) -> None:
    Quota.objects.create(sender="RIS", objects_per_day=1)
    long_ago = timezone.now() - timedelta(days=1)
    Receipt.objects.create(hour=long_ago, door="dicomweb", sender="RIS", new=5, last_at=long_ago)
    assert not quotas.exhausted()


def _silent(hours: int, **more: object) -> ApplicationEntity:
    heard = timezone.now() - timedelta(hours=hours)
    return ApplicationEntity.objects.create(ae_title="CT1", silence_hours=2, last_seen_at=heard, **more)


def test_silence_is_told_once_to_those_who_manage_machines(emergency: Department) -> None:
    integrator = people.UserFactory.create(email="ivy@example.org", language="fr")
    people.MembershipFactory.create(user=integrator, department=emergency, role="integrator")
    _silent(3, description="CT room 2")
    assert [entity.ae_title for entity in silence.watch()] == ["CT1"]
    assert silence.watch() == []
    mailing.send_due()
    assert [message.to for message in mail.outbox] == [["ivy@example.org"]]
    assert "CT room 2" in mail.outbox[0].body
    assert AuditEvent.objects.filter(action="sender.silent", subject_uid="CT1").count() == 1


def test_who_calls_again_is_silent_no_more() -> None:
    entity = _silent(3)
    silence.watch()
    senders.seen(ae_titles=["CT1"])
    silence.watch()
    entity.refresh_from_db()
    assert entity.silent_since is None


def test_an_association_that_stays_open_for_days_is_heard_by_its_objects() -> None:
    _silent(30)
    Receipt.objects.create(hour=timezone.now(), door="dimse", sender="CT1", new=1, last_at=timezone.now())
    assert silence.watch() == []


def test_an_administrator_reads_receipts_and_sets_quotas(admin_client: Client) -> None:
    Receipt.objects.create(
        hour=timezone.now(), door="dimse", sender="<b>CT1", refused=2, last_at=timezone.now(), last_refusal="not_dicom"
    )
    page = admin_client.get("/admin/imaging/receipt/").content.decode()
    assert "not_dicom" in page
    assert "<b>CT1" not in page
    answer = admin_client.post("/admin/imaging/quota/add/", {"sender": "CT*", "is_active": "on"})
    assert "Give a number of objects" in answer.content.decode()
    admin_client.post("/admin/imaging/quota/add/", {"sender": "CT*", "objects_per_day": "5", "is_active": "on"})
    assert Quota.objects.get().objects_per_day == 5
