"""The administrator's pages: senders and rules are checked and audited, quarantine is looked at."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Department
from imaging.ingest import receipts
from imaging.ingest.models import ApplicationEntity, QuarantinedObject, RoutingRule
from imaging.storage.models import StoredObject
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client: Client) -> Client:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def test_an_application_entity_is_added_and_audited(administrator: Client, emergency: Department) -> None:
    answer = administrator.post(
        reverse("admin:imaging_applicationentity_add"),
        {"ae_title": "CT1", "departments": [emergency.pk], "may_store": "on", "is_active": "on"},
    )
    assert answer.status_code == 302
    assert list(ApplicationEntity.objects.get().departments.all()) == [emergency]
    assert AuditEvent.objects.filter(action="setting.changed", subject_type="applicationentity").exists()


def test_a_department_shows_the_devices_that_send_for_it_and_they_are_changed_on_their_own_page(
    administrator: Client, emergency: Department, orthopaedics: Department
) -> None:
    mine = ApplicationEntity.objects.create(ae_title="CT1", description="CT, emergency")
    mine.departments.set([emergency])
    ApplicationEntity.objects.create(ae_title="DX9").departments.set([orthopaedics])
    address = reverse("admin:accounts_department_change", args=[emergency.pk])
    page = administrator.get(address).content.decode()
    assert reverse("admin:imaging_applicationentity_change", args=[mine.pk]) in page
    assert "CT, emergency" in page
    assert "DX9" not in page
    assert "object (" not in page, "a row of the table between has no name of its own"
    form = {"site": emergency.site_id, "code": emergency.code, "name": "Emergency ward", "name_fr": "Urgences"}
    form |= {"shares_priors": emergency.shares_priors, "is_active": "on"}
    for prefix in ("memberships", "MachineKey_departments", "ApplicationEntity_departments"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert administrator.post(address, form).status_code == 302
    emergency.refresh_from_db()
    assert emergency.name == "Emergency ward"
    assert list(mine.departments.all()) == [emergency]


@pytest.mark.parametrize("title", ["", "seventeen letters", "back\\slash", "acc\u00e9nt", "ct1"])
def test_a_title_that_is_none_or_taken_is_refused(administrator: Client, title: str) -> None:
    ApplicationEntity.objects.create(ae_title="CT1")
    answer = administrator.post(reverse("admin:imaging_applicationentity_add"), {"ae_title": title})
    assert answer.status_code == 200
    assert ApplicationEntity.objects.count() == 1


def test_there_is_one_default_rule(administrator: Client, emergency: Department) -> None:
    RoutingRule.objects.create(name="default", owner=emergency)
    data = {"order": 5, "name": "another", "owner": emergency.pk, "is_active": "on"}
    assert administrator.post(reverse("admin:imaging_routingrule_add"), data).status_code == 200
    assert RoutingRule.objects.count() == 1
    assert administrator.post(reverse("admin:imaging_routingrule_add"), {**data, "modality": "CT"}).status_code == 302


def test_a_quarantined_header_is_shown_escaped_and_its_reading_is_audited(administrator: Client) -> None:
    row = QuarantinedObject.objects.create(
        stored_object=StoredObject.objects.create(kind="refused", file_sha256="0" * 64, length=1),
        reason="unreadable",
        detail="<b>truncated</b>",
        header={"patient": {"patient_name": "<script>alert(1)</script>", "patient_id": "P1"}},
        door="dimse",
        sender="CT1",
        received_at=timezone.now(),
    )
    assert administrator.get(reverse("admin:imaging_quarantinedobject_changelist")).status_code == 200
    answer = administrator.get(reverse("admin:imaging_quarantinedobject_change", args=[row.pk]))
    text = answer.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text
    assert AuditEvent.objects.filter(action="metadata.read", patient_id="P1").count() == 1


def test_nobody_edits_what_waits(administrator: Client) -> None:
    assert administrator.get(reverse("admin:imaging_quarantinedobject_add")).status_code == 403


def test_the_rules_are_tried_as_the_registrar_asks_them(
    administrator: Client, emergency: Department, orthopaedics: Department
) -> None:
    RoutingRule.objects.create(name="scanner", order=1, modality="CT", station_name="CT?", owner=emergency)
    RoutingRule.objects.create(name="bones", order=2, modality="C*", owner=orthopaedics)
    RoutingRule.objects.create(name="rest", order=3, owner=emergency)
    address = reverse("admin:imaging_routingrule_try")
    assert administrator.get(address).context["trial"] is None
    found = administrator.get(address, {"modality": "ct", "station_name": "CT12"}).context["trial"]
    assert [(tried.rule.name, tried.verdict, tried.misfits) for tried in found.rules] == [
        ("scanner", "misfits", ("station_name",)),
        ("bones", "fits", ()),
        ("rest", "not_asked", ()),
    ]
    assert [(department, plan.reason_detail) for department, plan in found.placements] == [(orthopaedics, "bones")]


def test_without_a_fitting_rule_the_trial_names_the_sender_or_nobody(
    administrator: Client, emergency: Department
) -> None:
    ApplicationEntity.objects.create(ae_title="CT1").departments.set([emergency])
    address = reverse("admin:imaging_routingrule_try")
    page = administrator.get(address, {"calling_ae_title": "CT1"}).content.decode()
    assert "because no rule fits and CT1 acts for it" in page
    page = administrator.get(address, {"calling_ae_title": "<b>X"}).content.decode()
    assert "Nowhere: no rule fits" in page
    assert "its call is refused before any rule is asked" in page
    assert "<b>X" not in page


@pytest.mark.parametrize("host", ["http://x", "a b", "-x", "x/../y"])
def test_where_a_device_is_called_is_a_name_or_address(administrator: Client, host: str) -> None:
    fields = {"ae_title": "CT1", "host": host, "port": "70000"}
    answer = administrator.post(reverse("admin:imaging_applicationentity_add"), fields)
    assert {"host", "port"} <= set(answer.context["adminform"].form.errors)


def test_a_device_s_page_says_what_came_today(administrator: Client) -> None:
    receipts.record(
        [
            receipts.Handed(door="dimse", sender="CT1", outcome="new"),
            receipts.Handed(door="dimse", sender="CT1", outcome="refused"),
        ]
    )
    entity = ApplicationEntity.objects.create(ae_title="CT1")
    page = administrator.get(reverse("admin:imaging_applicationentity_change", args=[entity.pk])).content.decode()
    assert "1 new · 1 refused" in page
