"""Webhooks: what changed is pushed in order, signed, to who may know it, until it is taken."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.audit import selectors as audited
from accounts.models import Department
from accounts.notifications import mailing
from accounts.outbound.errors import Refused
from accounts.outbound.models import OutboundHost
from accounts.roles import Door, Role
from accounts.scope import scope_of_machine
from accounts.services import IssuedKey
from imaging.events import changes
from imaging.events.jobs import Outcome
from imaging.events.models import Change, Event, Job
from imaging.events.services import Happened
from imaging.pipeline import steps
from imaging.studies import services as studies
from imaging.studies.changes import Forgotten, changes_after
from imaging.webhooks import policies, selectors, services
from imaging.webhooks.models import Webhook
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db


class Register(Protocol):
    """Registers one object in a department; its Study Instance UID."""

    def __call__(self, department: Department, **tags: Any) -> str: ...


@pytest.fixture
def register(data_dir: Path) -> Register:
    """Register one new study in a department, as an arrival does, and drain the outbox."""

    def run(department: Department, **tags: Any) -> str:
        made = arrivals.dataset(**tags)
        studies.register([arrivals.incoming(made, data_dir / "arrived", department)], actor=SYSTEM)
        steps.drain()
        return str(made.StudyInstanceUID)

    return run


@pytest.fixture
def hook(receiver: Receiver, machine: IssuedKey) -> Webhook:
    """A webhook of the emergency department's machine."""
    OutboundHost.objects.create(
        host="localhost",
        port=receiver.port,
        networks=["127.0.0.0/8", "::1"],
        certificates=receiver.certificate,
        purpose="tests",
    )
    return services.create(machine_key=machine.key, address=receiver.address, actor=SYSTEM)


def tell(hook: Webhook) -> None:
    """What a worker does for one receiver."""
    while services.deliver(str(hook.key)) is Outcome.AGAIN:
        pass
    hook.refresh_from_db()


def told(receiver: Receiver) -> list[str]:
    """Study Instance UIDs in the order in which the receiver was told of them."""
    return [line["study_instance_uid"] for message in receiver.messages for line in json.loads(message.body)["changes"]]


def test_an_arrival_is_told_with_a_signature_that_the_receiver_can_check(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    study = register(emergency)
    tell(hook)

    (message,) = receiver.messages
    content = json.loads(message.body)
    assert content["type"] == "studies.changed"
    assert [line["study_instance_uid"] for line in content["changes"]] == [study]
    secret = base64.b64decode(policies.secret_of(hook.key, hook.generation).removeprefix("whsec_"))
    head = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode()
    expected = base64.b64encode(hmac.new(secret, head + message.body, hashlib.sha256).digest()).decode()
    assert message.headers["webhook-signature"] == f"v1,{expected}"
    assert not selectors.due()


def test_a_message_holds_no_patient_data(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    register(emergency, PatientName="Secret^Susan", PatientID="S-77")
    tell(hook)
    assert receiver.messages
    assert b"Secret" not in receiver.messages[0].body
    assert b"S-77" not in receiver.messages[0].body


def test_a_receiver_is_told_only_of_what_its_key_may_list(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department, orthopaedics: Department
) -> None:
    register(orthopaedics)
    ours = register(emergency)
    tell(hook)
    assert told(receiver) == [ours]


def test_a_revoked_key_is_told_nothing_more(
    hook: Webhook, receiver: Receiver, machine: IssuedKey, register: Register, emergency: Department
) -> None:
    accounts.revoke_machine_key(key=machine.key, actor=SYSTEM)
    register(emergency)
    tell(hook)
    assert not receiver.messages


def test_what_happened_while_a_key_had_ended_is_told_once_it_holds_again(
    hook: Webhook, receiver: Receiver, machine: IssuedKey, register: Register, emergency: Department
) -> None:
    machine.key.expires_at = timezone.now()
    machine.key.save()
    study = register(emergency)
    tell(hook)
    assert not receiver.messages
    machine.key.expires_at = None
    machine.key.save()
    tell(hook)
    assert told(receiver) == [study]


def test_a_key_that_has_ended_is_not_even_told_that_changes_were_forgotten(
    hook: Webhook, receiver: Receiver, machine: IssuedKey, register: Register, emergency: Department
) -> None:
    changes.write([Happened(Event.Kind.STUDY_CHANGED, arrivals.uid()) for _line in range(5)])
    Webhook.objects.update(sent_through=changes.bounds()[0])
    Change.objects.filter(sequence__lt=changes.bounds()[1]).delete()
    accounts.revoke_machine_key(key=machine.key, actor=SYSTEM)
    tell(hook)
    assert not receiver.messages


def test_a_receiver_that_was_just_refused_by_is_left_alone_though_more_arrives(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    receiver.status = 500
    register(emergency)
    tell(hook)
    # Asked for while the message was under way: the job runs once more.
    tell(hook)
    assert (len(receiver.messages), hook.failures) == (1, 1)


def test_what_was_refused_is_told_again_in_order_with_the_same_message_id(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    receiver.status = 500
    first = register(emergency)
    tell(hook)
    assert hook.failures == 1
    assert hook.sent_through < changes.bounds()[1]
    assert not selectors.due(), "it waits before it tries again"

    receiver.status = 204
    Webhook.objects.update(next_attempt_at=timezone.now())
    services.offer()
    tell(hook)
    assert hook.failures == 0
    second = register(emergency)
    tell(hook)

    assert told(receiver) == [first, first, second]
    ids = [message.headers["webhook-id"] for message in receiver.messages]
    assert ids[0] == ids[1] != ids[2]
    assert [attempt.status for attempt in selectors.attempts_of(hook)] == [204, 204, 500]


def test_a_drained_event_offers_the_telling_by_itself(hook: Webhook, register: Register, emergency: Department) -> None:
    register(emergency)
    (job,) = Job.objects.filter(step=services.DELIVER_STEP)
    assert job.subject_uid == str(hook.key)
    assert steps.STEPS[job.step].run == services.deliver


def test_a_receiver_that_says_it_is_gone_is_switched_off_and_people_are_told(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    MembershipFactory.create(user=UserFactory.create(), department=emergency, role=Role.INTEGRATOR)
    receiver.status = 410
    register(emergency)
    tell(hook)
    assert not hook.is_active
    assert hook.stopped_because == "gone"
    mailing.send_due()
    assert receiver.address in mail.outbox[0].body

    receiver.status = 204
    services.resume(hook, actor=SYSTEM)
    tell(hook)
    assert hook.is_active
    assert len(receiver.messages) == 2


def test_a_receiver_that_takes_nothing_for_a_week_is_switched_off(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    receiver.status = 503
    register(emergency)
    Webhook.objects.update(failures=50, failing_since=timezone.now() - timedelta(days=8))
    tell(hook)
    assert hook.stopped_because == "takes_nothing"


def test_a_receiver_off_the_list_gets_nothing_and_the_log_says_why(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    OutboundHost.objects.all().delete()
    register(emergency)
    tell(hook)
    assert not receiver.messages
    assert selectors.attempts_of(hook)[0].problem == "host_not_listed"


def test_a_webhook_to_a_host_that_is_not_listed_is_not_made(machine: IssuedKey) -> None:
    with pytest.raises(Refused):
        services.create(machine_key=machine.key, address="https://elsewhere.example/", actor=SYSTEM)
    assert not Webhook.objects.exists()


def test_a_key_has_a_bounded_number_of_webhooks(hook: Webhook, receiver: Receiver, machine: IssuedKey) -> None:
    for _more in range(19):
        services.create(machine_key=machine.key, address=receiver.address, actor=SYSTEM)
    with pytest.raises(ValidationError):
        services.create(machine_key=machine.key, address=receiver.address, actor=SYSTEM)


def test_a_test_message_arrives_and_moves_nothing(hook: Webhook, receiver: Receiver) -> None:
    assert services.test(hook).is_taken
    assert json.loads(receiver.messages[0].body)["type"] == "webhook.tested"
    hook.refresh_from_db()
    assert hook.sent_through == changes.bounds()[1]


def test_a_new_secret_replaces_the_old_one_and_is_audited(hook: Webhook) -> None:
    old = policies.secret_of(hook.key, hook.generation)
    assert services.renew_secret(hook, actor=SYSTEM) != old
    done = audited.events_of_subject("webhook", str(hook.key))
    assert [event.action for event in done.order_by("at")] == ["webhook.created", "webhook.changed"]


def test_the_feed_goes_on_from_any_place_without_a_gap(
    register: Register, emergency: Department, orthopaedics: Department, machine: IssuedKey
) -> None:
    scope = scope_of_machine(machine.key, door=Door.API)
    expected = []
    for number in range(7):
        if number % 3 == 2:
            register(orthopaedics)
        else:
            expected.append(register(emergency))
    found, after = [], 0
    while True:
        page = changes_after(scope, after, limit=2)
        # On a slow machine the first studies settle meanwhile, which is told too.
        found += [change.study_instance_uid for change in page.changes if change.kind == Event.Kind.STUDY_CHANGED]
        after = page.next_after
        if not page.more:
            break
    assert found == expected
    assert not changes_after(scope, after).changes


def test_a_place_that_is_no_longer_kept_is_said(machine: IssuedKey) -> None:
    changes.write([Happened(Event.Kind.STUDY_CHANGED, arrivals.uid()) for _line in range(5)])
    first, last = changes.bounds()
    Change.objects.filter(sequence__lt=last).update(changed_at=timezone.now() - timedelta(days=91))
    assert changes.prune() == 4
    scope = scope_of_machine(machine.key, door=Door.API)
    with pytest.raises(Forgotten):
        changes_after(scope, first)
    with pytest.raises(Forgotten):
        changes_after(scope, last + 1)
    assert changes_after(scope, last).next_after == last


def test_a_receiver_that_was_away_for_too_long_is_told_so(
    hook: Webhook, receiver: Receiver, register: Register, emergency: Department
) -> None:
    changes.write([Happened(Event.Kind.STUDY_CHANGED, arrivals.uid()) for _line in range(5)])
    Webhook.objects.update(sent_through=changes.bounds()[0])
    study = register(emergency)
    last: Any = Change.objects.get(study_instance_uid=study)
    Change.objects.filter(sequence__lt=last.sequence).delete()
    tell(hook)
    assert [json.loads(message.body)["type"] for message in receiver.messages] == [
        "changes.forgotten",
        "studies.changed",
    ]
    assert told(receiver) == [study]
