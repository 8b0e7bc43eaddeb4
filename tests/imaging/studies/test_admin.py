from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Membership
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.integrity.models import LedgerLeaf
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import (
    Instance,
    InstanceVersion,
    MetadataSegment,
    Patient,
    Placement,
    SavedList,
    Series,
    Study,
)
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db

READ_ONLY = [Patient, Study, Series, Instance, InstanceVersion, MetadataSegment, StoredObject, LedgerLeaf]


@pytest.fixture
def study(data_dir, emergency) -> Study:
    studies.register([incoming(dataset(PatientID="P-1"), data_dir / "spool", emergency)], actor=SYSTEM)
    return Study.objects.get()


@pytest.fixture
def administrator(client: Client, emergency):
    """Staff with every permission, who also reads images in emergency."""
    user = UserFactory.create(username="admin", is_staff=True)
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOLOGIST)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="imaging"))
    client.force_login(user)
    return user


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_was_received_is_looked_at_and_never_edited(model, client, study, administrator):
    name = f"admin:imaging_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    row = model.objects.first()
    page = client.get(reverse(f"{name}_change", args=[row.pk]))
    assert page.status_code == 200
    assert client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert client.get(reverse(f"{name}_add")).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", [Patient, Study, Series, Instance])
def test_an_administrator_sees_no_patient_by_being_one(model, client, study, administrator):
    Membership.objects.filter(user=administrator).delete()
    name = f"admin:imaging_{model._meta.model_name}"
    listed = client.get(reverse(f"{name}_changelist")).content.decode()
    # With a sign that no token of a form has.
    assert "P-1" not in listed
    assert study.study_instance_uid not in listed
    assert client.get(reverse(f"{name}_change", args=[model.objects.get().pk])).status_code == 302


def test_every_model_of_the_archive_is_in_the_admin():
    assert all(admin.site.is_registered(model) for model in [*READ_ONLY, Placement])


def test_where_a_copy_lies_is_not_shown(client, study, administrator):
    content = StoredObject.objects.filter(kind="dicom").get()
    page = client.get(reverse("admin:imaging_storedobject_change", args=[content.pk])).content.decode()
    assert content.copies.get().location not in page


def test_what_follows_from_a_grant_is_not_placed_by_hand(client, study, administrator, orthopaedics):
    for kind in ("grant", "grant_download", "emergency"):
        fields = {"study": study.pk, "department": orthopaedics.pk, "kind": kind}
        answer = client.post(reverse("admin:imaging_placement_add"), fields)
        assert "granted by an access request" in answer.content.decode()
    assert not Placement.objects.filter(department=orthopaedics).exists()


def test_a_person_places_a_study_and_takes_it_out_again(client, study, administrator, orthopaedics, bob):
    until = timezone.now() + timedelta(days=1)
    fields = {"study": study.pk, "department": orthopaedics.pk, "kind": "requesting"}
    times = {"until_0": until.strftime("%Y-%m-%d"), "until_1": until.strftime("%H:%M:%S")}
    answer = client.post(reverse("admin:imaging_placement_add"), {**fields, **times})
    assert answer.status_code == 302
    placed = Placement.objects.get(department=orthopaedics)
    assert (placed.reason_code, placed.reason_detail, placed.name_norm) == ("by_hand", "admin", "durand helene")
    assert Study.objects.visible_to(scope_of_user(bob)).count() == 1
    event = AuditEvent.objects.get(action="study.placed", actor_name__contains="admin")
    assert event.subject_uid == study.study_instance_uid
    client.post(reverse("admin:imaging_placement_delete", args=[placed.pk]), {"post": "yes"})
    assert Study.objects.visible_to(scope_of_user(bob)).count() == 0
    assert AuditEvent.objects.filter(action="study.removed").count() == 1


@pytest.mark.parametrize("field", ["until", "placed_at", "study", "department", "kind"])
def test_an_address_that_fills_in_what_is_no_value_opens_the_form_of_a_placement(client, administrator, field):
    client.force_login(administrator)
    assert client.get(reverse("admin:imaging_placement_add"), {field: "²"}).status_code == 200


def test_a_placement_cannot_end_in_the_past(client, study, administrator, orthopaedics):
    fields = {"study": study.pk, "department": orthopaedics.pk, "kind": "requesting"}
    times = {"until_0": "2020-01-01", "until_1": "00:00:00"}
    answer = client.post(reverse("admin:imaging_placement_add"), {**fields, **times})
    assert answer.status_code == 200
    assert "The end must lie in the future." in answer.content.decode()
    assert not Placement.objects.filter(department=orthopaedics).exists()


def test_a_saved_list_leads_to_what_its_readers_see(client, study, administrator):
    query = "q=durand&modality=CT"
    kept = SavedList.objects.create(name="Mine", query=query, owner=administrator)
    page = client.get(reverse("admin:imaging_savedlist_change", args=[kept.pk])).content.decode()
    assert 'href="/?q=durand&amp;modality=CT"' in page
    assert "Hélène" in client.get(f"/?{query}").content.decode()
