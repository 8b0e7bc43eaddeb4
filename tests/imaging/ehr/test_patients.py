"""What the register says of patients: made, changed, merged, renumbered; ids of A13 stand beside the pitfalls they prove."""

from collections.abc import Callable
from datetime import date

import pytest

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.notifications.models import Notification
from accounts.roles import Role
from imaging.ehr import services
from imaging.ehr.models import Hl7Message, Hl7Peer, RegisteredPatient
from imaging.ingest import registrar
from imaging.ingest import services as ingest
from imaging.ingest.source import Source
from imaging.studies import services as studies
from imaging.studies.models import Correction, Patient, PatientMerge, Placement, Study
from imaging.studies.rows import patients as rows
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, SiteFactory, UserFactory
from tests.imaging.ehr.conftest import OID, Send
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

Arrive = Callable[..., Study]


def patient(number: str = "P1", issuer: str = "HOSPITAL") -> Patient:
    return Patient.objects.get(patient_id=number, issuer_of_patient_id=issuer)


def message() -> Hl7Message:
    return Hl7Message.objects.latest("pk")


@pytest.mark.parametrize("event", ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A28", "A31"])
def test_every_event_that_describes_a_patient_registers_one(send: Send, event: str) -> None:
    answer = send(event, name="Lefèvre^Hélène^Marie^^Mme")

    assert "MSA|AA|" in answer
    found = patient()
    assert (found.patient_name, found.birth_date, found.sex) == ("Lefèvre^Hélène^Marie^Mme", date(1970, 1, 2), "F")
    assert RegisteredPatient.objects.get(patient=found).peer.name == "Register"


def test_what_changes_is_put_over_the_images_and_shown_in_lists(send: Send, arrive: Arrive) -> None:
    study = arrive(PatientName="Duran^Helene", PatientBirthDate="19700102")

    answer = send("A08", name="Durand^Hélène")

    assert "MSA|AA|" in answer
    assert patient().patient_name == "Durand^Hélène"
    row = Correction.objects.in_force().get(study=study)
    assert row.origin == Correction.Origin.REGISTER
    assert row.attributes["00100010"]["Value"][0] in ("Durand^Hélène", {"Alphabetic": "Durand^Hélène"})
    assert row.made_by == "Register"
    assert "helene" in Placement.objects.get(study=study).name_norm
    assert "Changed: name." in message().note


def test_an_empty_field_says_nothing_and_a_null_empties(send: Send) -> None:
    send("A04")
    send("A08", sex="", born="")
    assert (patient().sex, patient().birth_date) == ("F", date(1970, 1, 2))

    send("A08", sex='""', born='""')
    assert (patient().sex, patient().birth_date) == ("", None)


def test_the_legal_name_is_taken_where_several_are_told(send: Send) -> None:
    send("A28", name="Petit^Anne^^^^^D~Durand^Anne^^^^^L")
    assert patient().patient_name == "Durand^Anne"


@pytest.mark.parametrize("event", ["A10", "A11", "A12", "A13", "A38"])
def test_a_visit_that_is_taken_back_leaves_the_patient(send: Send, arrive: Arrive, event: str) -> None:
    """Pitfall 30."""
    arrive()
    answer = send(event, name="Somebody^Else")

    assert "MSA|AA|" in answer
    assert patient().patient_name == "Durand^Hélène"
    assert not Correction.objects.exists()


def test_what_is_not_spoken_here_is_refused_by_its_code(send: Send) -> None:
    assert "|201^Unsupported event code^HL70357|" in send("A37")
    assert "|200^Unsupported message type^HL70357|" in send("R01", kind="ORU^R01")
    assert not Patient.objects.exists()


def test_a_system_that_may_not_register_patients_is_refused(send: Send, register: Hl7Peer) -> None:
    register.may_register = False
    register.save()
    assert "MSA|AE|" in send("A04")
    assert not Patient.objects.exists()


class TestIdentifiers:
    def test_without_an_identifier_nothing_is_guessed(self, send: Send) -> None:
        answer = send("A04", pid="")
        assert "ERR||PID^1^3|101^" in answer

    def test_an_identifier_of_a_stranger_is_refused(self, send: Send) -> None:
        """ID-7."""
        answer = send("A04", pid="77^^^ELSEWHERE^MR")
        assert "ERR||PID^1^3|204^" in answer
        assert not Patient.objects.exists()

    def test_without_an_issuer_it_is_the_sites(self, send: Send) -> None:
        """Pitfall 11."""
        send("A04", pid="P1")
        assert patient().issuer_of_patient_id == "HOSPITAL"

    def test_the_oid_counts_and_not_the_spelling(self, send: Send) -> None:
        """Pitfall 12, FR-3."""
        send("A04", pid=f"P1^^^HOSPITLA&{OID}&ISO^PI")
        assert patient().issuer_of_patient_id == "HOSPITAL"

    def test_a_known_name_beside_another_oid_is_another_issuer(self, send: Send) -> None:
        """ID-2."""
        assert "204^" in send("A04", pid="P1^^^HOSPITAL&9.9.9&ISO^PI")

    def test_one_number_of_two_issuers_is_two_patients(self, send: Send) -> None:
        """Pitfall 10, ID-4."""
        SiteFactory.create(issuer_of_patient_id="CLINIC", issuer_oid="1.2.3")
        send("A04", pid="P1^^^HOSPITAL^MR")
        send("A04", pid="P1^^^CLINIC&1.2.3&ISO^MR", name="Roux^Jean", sex="M")
        assert {row.patient_name for row in Patient.objects.filter(patient_id="P1")} == {"Durand^Hélène", "Roux^Jean"}

    def test_two_numbers_of_two_patients_are_not_one_person(self, send: Send) -> None:
        send("A04", pid="P1^^^HOSPITAL^MR")
        send("A04", pid="P2^^^HOSPITAL^MR", name="Roux^Jean")
        assert "ERR||PID^1^3|205^" in send("A08", pid="P1^^^HOSPITAL^MR~P2^^^HOSPITAL^MR")

    def test_the_number_of_a_visit_is_not_the_patients(self, send: Send) -> None:
        send("A04", pid="V77^^^HOSPITAL^VN~P1^^^HOSPITAL^PI")
        assert Patient.objects.get().patient_id == "P1"

    def test_a_number_that_does_not_fit_is_refused_not_cut(self, send: Send) -> None:
        assert "102^" in send("A04", pid=f"{'9' * 65}^^^HOSPITAL^MR")

    def test_the_qualification_is_kept_wherever_it_stands(self, send: Send) -> None:
        """Pitfall 32, FR-1."""
        send("A28", extra="|" * 24 + "PROV~VALI")
        assert RegisteredPatient.objects.get().reliability == ["PROV", "VALI"]


class TestTraits:
    @pytest.mark.parametrize("born", ["19700231", "19700000", "yesterday", "1970"])
    def test_a_day_of_no_calendar_is_told_and_not_taken(self, send: Send, born: str) -> None:
        """Pitfall 28."""
        assert "MSA|AA|" in send("A04", born=born)
        assert patient().birth_date is None
        assert "no day of the calendar" in message().note

    @pytest.mark.parametrize(("sent", "kept"), [("M", "M"), ("F", "F"), ("O", "O"), ("A", "O"), ("U", ""), ("", "")])
    def test_every_sex_of_the_table_is_one_of_dicoms(self, send: Send, sent: str, kept: str) -> None:
        """Pitfall 29."""
        send("A04", sex=sent)
        assert patient().sex == kept

    def test_a_name_of_one_component_is_a_name(self, send: Send) -> None:
        send("A04", name="Madonna")
        assert patient().patient_name == "Madonna"

    def test_a_name_that_no_image_can_hold_is_cut_and_told(self, send: Send) -> None:
        send("A04", name="A" * 70)
        assert patient().patient_name == "A" * 64
        assert "was cut" in message().note

    def test_delimiters_in_a_name_do_not_move_its_components(self, send: Send) -> None:
        """SE-15."""
        send("A04", name="Du\\S\\rand=X\\E\\Y^Hélène")
        assert patient().patient_name == "Du rand X Y^Hélène"

    def test_twins_with_one_birthday_stay_two(self, send: Send) -> None:
        send("A28", pid="P1^^^HOSPITAL^MR", name="Roux^Jeanne")
        send("A28", pid="P2^^^HOSPITAL^MR", name="Roux^Jeannette")
        assert Patient.objects.count() == 2


class TestMerges:
    def test_a_merge_moves_studies_and_later_ones_follow(self, send: Send, arrive: Arrive) -> None:
        """Pitfalls 4 and 7; ADT A40."""
        first = arrive(PatientID="OLD")
        send("A04", pid="P1^^^HOSPITAL^MR")

        assert "MSA|AA|" in send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")

        first.refresh_from_db()
        assert first.patient == patient("P1")
        later = arrive(PatientID="OLD")
        studies.follow_merge(later.study_instance_uid)
        later.refresh_from_db()
        assert later.patient == patient("P1")

    def test_a_chain_ends_at_the_last(self, send: Send, arrive: Arrive) -> None:
        """Pitfall 7."""
        study = arrive(PatientID="A")
        send("A40", pid="B^^^HOSPITAL^MR", mrg="A^^^HOSPITAL^MR")
        send("A40", pid="C^^^HOSPITAL^MR", mrg="B^^^HOSPITAL^MR")
        study.refresh_from_db()
        assert study.patient.patient_id == "C"

    def test_with_itself_it_is_refused(self, send: Send) -> None:
        """Pitfall 1."""
        assert "ERR||MRG^1^1|205^" in send("A40", mrg="P1^^^HOSPITAL^MR")

    def test_without_a_prior_number_it_is_refused(self, send: Send) -> None:
        assert "ERR||MRG^1^1|101^" in send("A40")
        assert "ERR||MRG^1^1|101^" in send("A40", mrg="")

    def test_twice_is_once(self, send: Send, arrive: Arrive) -> None:
        """Pitfall 2."""
        arrive(PatientID="OLD")
        for _ in range(2):
            assert "MSA|AA|" in send("A40", mrg="OLD^^^HOSPITAL^MR")
        assert PatientMerge.objects.count() == 1

    @pytest.mark.parametrize(
        ("policy", "code", "left"),
        [
            (Hl7Peer.Inverse.REFUSE, "MSA|AE|", "P1"),
            (Hl7Peer.Inverse.IGNORE, "MSA|AA|", "P1"),
            (Hl7Peer.Inverse.ACCEPT, "MSA|AA|", "OLD"),
        ],
    )
    def test_the_other_way_round_is_the_hospitals_choice(
        self, send: Send, arrive: Arrive, register: Hl7Peer, policy: str, code: str, left: str
    ) -> None:
        """Pitfall 3."""
        register.inverse_merge = policy
        register.save()
        study = arrive(PatientID="OLD")
        send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")

        answer = send("A40", pid="OLD^^^HOSPITAL^MR", mrg="P1^^^HOSPITAL^MR")

        assert code in answer
        study.refresh_from_db()
        assert study.patient.patient_id == left

    def test_news_of_a_merged_number_do_not_reach_the_other_patient(self, send: Send) -> None:
        """Pitfall 5."""
        send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")
        assert "ERR||PID^1^3|204^" in send("A08", pid="OLD^^^HOSPITAL^MR", name="Roux^Jean")
        assert patient("P1").patient_name == "Durand^Hélène"

    def test_a_number_merged_elsewhere_waits_for_no_second_owner(self, send: Send) -> None:
        send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")
        send("A04", pid="P2^^^HOSPITAL^MR")
        assert "ERR||MRG^1^1|205^" in send("A40", pid="P2^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")

    def test_it_can_be_taken_back(self, send: Send, arrive: Arrive) -> None:
        """Pitfall 8, ID-10."""
        study = arrive(PatientID="OLD")
        send("A40", mrg="OLD^^^HOSPITAL^MR")
        studies.part_patients(PatientMerge.objects.get(), actor=SYSTEM)
        study.refresh_from_db()
        assert study.patient.patient_id == "OLD"

    def test_a_new_number_takes_everything_along(self, send: Send, arrive: Arrive) -> None:
        """ADT A47."""
        study = arrive(PatientID="OLD")
        assert "MSA|AA|" in send("A47", pid="NEW^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")
        study.refresh_from_db()
        assert (study.patient.patient_id, study.patient.patient_name) == ("NEW", "Durand^Hélène")

    def test_a_new_number_that_is_taken_is_no_hidden_merge(self, send: Send, arrive: Arrive) -> None:
        arrive(PatientID="OLD")
        send("A04", pid="NEW^^^HOSPITAL^MR")
        assert "ERR||PID^1^3|205^" in send("A47", pid="NEW^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")


def test_a_registered_patient_is_not_let_go_of_when_the_last_study_leaves(
    send: Send, arrive: Arrive, emergency: Department
) -> None:
    send("A04", pid="P1^^^HOSPITAL^MR")
    known = patient("P1")
    rows.forget(known.pk)
    assert Patient.objects.filter(pk=known.pk).exists()


def test_a_storm_of_merges_waits_for_a_person(send: Send, register: Hl7Peer, emergency: Department) -> None:
    """SE-15: a register that merges everybody is stopped, and nothing of what it says is lost."""
    machinist = UserFactory.create()
    MembershipFactory.create(user=machinist, department=emergency, role=Role.ADMINISTRATOR)
    register.most_merges = 2
    register.save()
    for number in range(4):
        answer = send("A40", pid=f"P{number}^^^HOSPITAL^MR", mrg=f"Q{number}^^^HOSPITAL^MR")
        assert "MSA|AA" in answer
    assert PatientMerge.objects.in_force().count() == 2
    assert [row.state for row in Hl7Message.objects.order_by("pk")] == ["applied", "applied", "failed", "failed"]
    (told,) = Notification.objects.filter(user=machinist)
    assert told.kind == "hl7.merges_held"
    assert "MSA|AA" in send("A08", pid="P9^^^HOSPITAL^MR")

    services.retry(Hl7Message.objects.filter(state="failed").order_by("pk")[0], actor=SYSTEM)
    assert PatientMerge.objects.in_force().count() == 3


def test_images_that_were_on_their_way_when_their_patient_was_merged_are_the_survivors(
    send: Send, register: Hl7Peer, archive: Archive
) -> None:
    """Pitfall 6: taken from the modality before the merge, filed after it."""
    archive.receive(arrivals.dataset(PatientID="P2", PatientName="Durand^Hélène"))
    made = arrivals.dataset(PatientID="P2", PatientName="Durand^Hélène")
    home = archive.department
    source = Source(door="dimse", sender="EMERGENCY_CT", address="10.0.0.9", department_ids=(home.pk,))
    arrivals.hand_over(arrivals.encoded(made), source)
    assert "MSA|AA" in send("A40", pid="P1^^^HOSPITAL^MR", mrg="P2^^^HOSPITAL^MR")
    assert registrar.drain(ingest.spool()).registered == 1
    studies.follow_merge(made.StudyInstanceUID)
    assert set(Study.objects.values_list("patient__patient_id", flat=True)) == {"P1"}
