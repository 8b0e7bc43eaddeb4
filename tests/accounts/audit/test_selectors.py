"""Who looked at a patient: by number and issuer, a line per person and day, as things were at that moment."""

import json
import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action, selectors
from accounts.audit.models import AuditEvent
from accounts.audit.snooping import PatientKey
from accounts.models import User
from accounts.roles import Role
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
HERE = PatientKey("MRN1", "CHU")
ALWAYS = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC), "zone": PARIS}


def actor_of(user: User) -> Actor:
    return Actor(kind="user", id=str(user.pk), name=user.get_username(), address="10.0.0.7", door="page")


def at(moment: datetime, action: Action = Action.STUDY_OPENED, **more: Any) -> AuditEvent:
    """A row as it stood at a moment of the past."""
    row: dict[str, Any] = {
        "actor_kind": "user",
        "actor_id": "1",
        "actor_name": "someone",
        "patient_id": "MRN1",
        "issuer_of_patient_id": "CHU",
        "subject_type": "study",
        "subject_uid": "1.2.3",
    }
    event = AuditEvent(at=moment, action=action, **(row | more))
    event.save(force_insert=True)
    return event


def test_an_event_keeps_the_departments_of_that_moment() -> None:
    here, before, gone = DepartmentFactory.create_batch(3)
    user = UserFactory.create()
    now = timezone.now()
    MembershipFactory.create(user=user, department=here, role=Role.RADIOLOGIST)
    MembershipFactory.create(
        user=user, department=before, valid_from=now - timedelta(days=9), valid_until=now - timedelta(days=1)
    )
    MembershipFactory.create(user=user, department=gone)
    gone.is_active = False
    gone.save()
    audit.record(Action.STUDY_OPENED, actor=actor_of(user))
    assert AuditEvent.objects.get().departments == [here.code]


def test_a_machine_and_a_peer_work_for_departments_too() -> None:
    audit.record(
        Action.INSTANCES_RECEIVED,
        actor=Actor(kind="application_entity", id="CT1", name="CT1"),
        departments=("radiology",),
    )
    audit.record(Action.STUDY_OPENED, actor=Actor(kind="machine", id="999999", name="gone"))
    assert [row.departments for row in AuditEvent.objects.order_by("number")] == [["radiology"], []]


def test_a_number_is_a_patient_s_only_with_its_issuer() -> None:
    at(datetime(2026, 5, 1, tzinfo=UTC), subject_uid="1")
    at(datetime(2026, 5, 1, tzinfo=UTC), issuer_of_patient_id="CLINIC", subject_uid="2")
    at(datetime(2026, 5, 1, tzinfo=UTC), issuer_of_patient_id="", subject_uid="3")
    uids = {row.subject_uid for row in selectors.events_of_patient("MRN1", issuer="CHU")}
    assert uids == {"1", "3"}
    assert selectors.events_of_patient("MRN1").count() == 3
    lines = list(selectors.access_report([HERE], **ALWAYS))
    assert [line.studies for line in lines] == [("1", "3")]
    assert not lines[0].is_certain


def test_a_line_tells_one_person_s_day() -> None:
    user = UserFactory.create(display_name="Dr Who")
    department = DepartmentFactory.create(code="emergency")
    start = datetime(2026, 5, 1, 8, tzinfo=UTC)
    MembershipFactory.create(
        user=user, department=department, role=Role.CLINICIAN, valid_from=start - timedelta(days=1)
    )
    mine = {"actor_id": str(user.pk), "actor_name": user.get_username(), "departments": ["emergency"], "door": "page"}
    at(start, **mine)
    at(start + timedelta(hours=1), Action.FRAMES_READ, subject_uid="1.2.4", detail={"reason": "chest pain"}, **mine)
    at(start + timedelta(hours=2), Action.STUDY_EXPORTED, **mine)
    (line,) = selectors.access_report([HERE], **ALWAYS)
    assert (line.day.isoformat(), line.person) == ("2026-05-01", "Dr Who")
    assert (line.departments, line.roles, line.doors) == (("emergency",), ("clinician",), ("page",))
    assert line.actions == {"study.opened": 1, "frames.read": 1, "study.exported": 1}
    assert (line.first_at, line.last_at) == (start, start + timedelta(hours=2))
    assert (line.reasons, line.studies, line.refused) == (("chest pain",), ("1.2.3", "1.2.4"), 0)
    assert line.is_certain


def test_days_are_the_hospital_s_and_the_newest_comes_first() -> None:
    at(datetime(2026, 5, 1, 21, 30, tzinfo=UTC))
    at(datetime(2026, 5, 1, 22, 30, tzinfo=UTC))  # past midnight in Paris
    at(datetime(2026, 5, 1, 22, 40, tzinfo=UTC), actor_id="2")
    lines = list(selectors.access_report([HERE], **ALWAYS))
    assert [(line.day.day, line.actor_id) for line in lines] == [(2, "2"), (2, "1"), (1, "1")]
    early = {**ALWAYS, "until": datetime(2026, 5, 1, 22, tzinfo=UTC)}
    assert len(list(selectors.access_report([HERE], **early))) == 1


def test_what_arrived_is_no_look_and_nobody_s_record_is_nobody_s() -> None:
    at(datetime(2026, 5, 1, tzinfo=UTC), Action.INSTANCES_RECEIVED, actor_kind="application_entity", actor_id="CT1")
    assert list(selectors.access_report([HERE], **ALWAYS)) == []
    everything = list(selectors.access_report([HERE], **ALWAYS, actions=Action.values))
    assert [line.actor_id for line in everything] == ["CT1"]
    assert list(selectors.access_report([PatientKey("", "CHU")], **ALWAYS)) == []
    assert list(selectors.access_report([], **ALWAYS)) == []


@pytest.mark.plans
def test_a_patient_s_question_touches_that_patient_s_index_entries_partition_by_partition() -> None:
    audit.record_many(
        audit.Entry(
            action=Action.STUDY_OPENED,
            actor=Actor(kind="user", id=str(number % 50), name="x"),
            subject_type="study",
            subject_uid=f"1.2.{number}",
            patient_id=f"MRN{number % 700}",
            issuer_of_patient_id="CHU",
        )
        for number in range(2100)
    )
    events = selectors.events_of_patient("MRN7", issuer="CHU")
    plan = events.explain(analyze=True, format="json")
    nodes = list(_nodes(json.loads(plan)[0]["Plan"]))
    scans = [node for node in nodes if "Scan" in node["Node Type"]]
    assert len(scans) >= 25
    for node in scans:
        used = node.get("Index Cond", "") or node.get("Recheck Cond", "") or node.get("Filter", "")
        # An empty month may be read as a whole: there is nothing in it.
        assert "patient_id" in used, node
        if node["Actual Rows"]:
            assert node["Node Type"] in {"Index Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}, node
        assert node["Actual Rows"] <= 3
        assert node.get("Rows Removed by Filter", 0) == 0


def _nodes(node: dict[str, Any]) -> Any:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
