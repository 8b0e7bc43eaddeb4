"""What the record tells stands beside study and images: for who treats the patient, with source and age, and never of somebody else."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.federation import kept
from accounts.models import Membership, OutboundHost, User
from imaging.ehr.models import HealthRecord, Hl7Peer, RegisteredPatient
from imaging.ehr.records import tokens
from imaging.fhir.values import Resource
from imaging.studies.models import Patient, Study
from tests.imaging.ehr.launching.conftest import patient
from tests.imaging.ehr.summary.conftest import RESOURCES
from tests.stand_in_record.running import StandInRecord

pytestmark = pytest.mark.django_db


def address(study: Study) -> str:
    return reverse("viewer:study-record", args=[study.study_instance_uid])


def shown(client: Client, study: Study, **asked: str) -> str:
    answer = client.get(address(study), asked)
    assert answer.status_code == 200
    return answer.content.decode()


class TestShown:
    def test_what_matters_is_told_with_its_source(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        page = shown(client, study)
        for words in ("Metformin 850 mg", "110.5 µmol/L", "100.5 µmol/L", "Asthma", "inpatient", "Told by The record"):
            assert words in page
        assert "polyline" in page, "the line of creatinine"

    @pytest.mark.parametrize(
        ("said", "shown_as"),
        [("2019", "since 2019"), ("2019-05", "since May 2019"), ("2019-05-02", "since 02 May 2019")],
    )
    def test_a_problem_begins_no_more_exactly_than_was_told(
        self, client: Client, study: Study, told_by: StandInRecord, said: str, shown_as: str
    ) -> None:
        problem = {
            "resourceType": "Condition",
            "id": "c2",
            "subject": {"reference": "Patient/p1"},
            "code": {"text": "Gout"},
            "onsetDateTime": said,
        }
        told_by.knows(resources=[*RESOURCES, problem])
        assert f"{shown_as}<" in shown(client, study)

    def test_what_the_record_writes_is_text(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        page = shown(client, study)
        assert "&lt;b&gt;medium" in page
        assert "<b>medium" not in page

    def test_numbers_are_written_as_the_reader_writes_them(
        self, client: Client, alice: User, study: Study, told_by: StandInRecord
    ) -> None:
        User.objects.filter(pk=alice.pk).update(language="fr")
        assert "110,5 µmol/L" in shown(client, study)

    def test_nothing_of_anybody_else_is_shown_whatever_a_server_answers(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        assert "Somebody else" not in shown(client, study)

    def test_study_and_viewer_say_where_to_ask(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        for page in ("viewer:study", "viewer:viewer"):
            answer = client.get(reverse(page, args=[study.study_instance_uid])).content.decode()
            assert f'hx-get="{address(study)}"' in answer

    def test_it_is_on_record_once(self, client: Client, alice: User, study: Study, told_by: StandInRecord) -> None:
        shown(client, study)
        shown(client, study)
        event = AuditEvent.objects.get(action=Action.RECORD_READ)
        assert (event.actor_name, event.patient_id, event.detail) == (alice.username, "P1", {"record": "record"})

    def test_a_record_with_a_fixed_token_is_read_with_it(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        row = HealthRecord.objects.get()
        row.access = HealthRecord.Access.TOKEN
        tokens.set_token(row, "a-fixed-token")
        row.save()
        told_by.knows(fixed_token="a-fixed-token")
        assert "Metformin" in shown(client, study)
        assert "a-fixed-token" not in str(list(HealthRecord.objects.values()))


class TestWhom:
    def test_who_may_not_see_the_study_is_told_nothing(self, bob: User, study: Study, told_by: StandInRecord) -> None:
        stranger = Client()
        stranger.force_login(bob)
        assert stranger.get(address(study)).status_code == 404

    @pytest.mark.parametrize("role", ["quality", "archivist"])
    def test_who_sees_images_without_treating_is_told_nothing(
        self, client: Client, alice: User, study: Study, told_by: StandInRecord, role: str
    ) -> None:
        Membership.objects.filter(user=alice).update(role=role)
        assert client.get(address(study)).status_code == 404

    def test_a_hidden_identity_is_not_asked_for(
        self, client: Client, study: Study, told_by: StandInRecord, register: Hl7Peer
    ) -> None:
        """FR-1."""
        RegisteredPatient.objects.create(
            patient=study.patient, peer=register, reliability=["ANOM"], told_at=timezone.now()
        )
        assert client.get(address(study)).status_code == 404

    def test_patients_of_other_issuers_are_not_asked_for(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        Patient.objects.update(issuer_of_patient_id="ELSEWHERE")
        assert client.get(address(study)).status_code == 404

    def test_without_a_record_nothing_is_offered(self, client: Client, study: Study, register: Hl7Peer) -> None:
        assert client.get(address(study)).status_code == 404
        page = client.get(reverse("viewer:study", args=[study.study_instance_uid])).content.decode()
        assert address(study) not in page


class TestIdentity:
    def test_another_birth_date_shows_nothing(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        Patient.objects.update(birth_date="1948-05-05")
        page = shown(client, study)
        assert "another birth date" in page
        assert "Metformin" not in page

    @pytest.mark.parametrize(
        "people",
        [[], [patient("p1", "P9")], [patient("p1", "P1"), patient("p3", "P1")]],
        ids=["nobody", "another number", "two people"],
    )
    def test_whom_the_record_does_not_know_for_sure_is_nobody(
        self, client: Client, study: Study, told_by: StandInRecord, people: list[Resource]
    ) -> None:
        told_by.knows(resources=[*people, *RESOURCES[2:]])
        page = shown(client, study)
        assert "knows nobody by this number" in page
        assert "Metformin" not in page


class TestAway:
    def test_a_record_that_is_away_is_said_to_be(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        told_by.knows(status=503)
        page = shown(client, study)
        assert "does not answer" in page
        assert "The images are not concerned" in page

    def test_what_it_told_before_is_shown_with_its_age(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        shown(client, study)
        told_by.knows(status=503)
        assert "does not answer" not in shown(client, study), "two minutes have not gone by"
        page = shown(client, study, again="")
        assert "does not answer now" in page
        assert "This is what it told on" in page
        assert "Metformin" in page

    def test_it_is_not_asked_again_at_once(self, client: Client, study: Study, told_by: StandInRecord) -> None:
        told_by.knows(status=503)
        shown(client, study)
        told_by.knows(status=None)
        assert "does not answer" in shown(client, study)
        assert "Metformin" in shown(client, study, again="")

    def test_a_kind_that_is_not_given_is_named_and_the_others_shown(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        told_by.knows(refuses=["AllergyIntolerance"])
        page = shown(client, study)
        assert "Not told: allergies" in page
        assert "Metformin" in page
        assert "none recorded" not in page.split("Medication")[0], "not known is not none"

    def test_a_token_that_the_record_refuses_is_named_as_the_reason(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        HealthRecord.objects.update(client_id="unknown")
        cache.clear()
        assert "it gave no token" in shown(client, study)

    def test_a_host_that_left_the_list_is_not_called(
        self, client: Client, study: Study, told_by: StandInRecord
    ) -> None:
        OutboundHost.objects.all().delete()
        assert "not among the outbound hosts" in shown(client, study)

    def test_without_the_cache_it_is_asked_each_time(
        self, client: Client, study: Study, told_by: StandInRecord, settings: Any
    ) -> None:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        assert "Metformin" in shown(client, study)
        told_by.knows(status=503)
        assert "does not answer" in shown(client, study)


def test_what_is_kept_is_sealed(
    client: Client, study: Study, told_by: StandInRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[str] = []
    original = kept.put

    def spy(name: str, value: Any, seconds: int) -> bool:
        put.append(f"{name} {value}")
        return original(name, value, seconds)

    monkeypatch.setattr(kept, "put", spy)
    shown(client, study)
    assert any("ehr:summary" in one for one in put)
    assert not any("Metformin" in one or "Iodinated" in one for one in put)
