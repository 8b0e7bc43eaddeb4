"""What a collection lends is asked anew at every reading, at every door: whatever ends it ends it everywhere at once."""

from typing import Final

import pytest

from accounts.actor import Actor
from accounts.labels import Label
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.sharing.collections import gathering, services
from imaging.sharing.collections.policies import NotDone, Rights
from imaging.sharing.models import Collection, CollectionItem, CollectionMember
from imaging.studies import oppositions, protecting
from imaging.studies.correction import merging
from imaging.studies.models import Instance, Patient, Placement, Study
from tests import memories
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.rendering.conftest import Pool
from tests.imaging.sharing.collections.conftest import Making, signed_in, who
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

ALICE: Final = Actor("user", "1", "alice")


def _parts(study: Study) -> tuple[str, str]:
    """The UIDs of a series of a study, and of an instance in it."""
    instance = Instance.objects.filter(series__study=study).select_related("series").earliest("pk")
    return instance.series.series_instance_uid, instance.sop_instance_uid


def looked_at(study: Study) -> dict[str, str]:
    """Addresses of every door at which a study is looked at."""
    uid = study.study_instance_uid
    series, instance = _parts(study)
    root = f"/dicom-web/studies/{uid}"
    return {
        "page": f"/studies/{uid}/",
        "viewer": f"/viewer/{uid}/",
        "metadata": f"{root}/metadata",
        "frames": f"{root}/series/{series}/instances/{instance}/frames/1",
        "thumbnail": f"{root}/series/{series}/thumbnail",
        "small picture": f"/studies/{uid}/thumbnail",
        "markings": f"/viewer/{uid}/markings.json",
    }


def taken_away(study: Study) -> dict[str, str]:
    """Addresses of every door at which a study is taken away."""
    series, instance = _parts(study)
    root = f"/dicom-web/studies/{study.study_instance_uid}"
    return {
        "study": root,
        "instance": f"{root}/series/{series}/instances/{instance}",
        "zip": f"/studies/{study.study_instance_uid}/download",
        "series": f"/studies/{study.study_instance_uid}/series/{series}/download",
    }


def answers(user: User, addresses: dict[str, str]) -> dict[str, int]:
    """What each of these addresses answers somebody, by its status."""
    memories.forget()
    browser = signed_in(user)
    found = {}
    for name, address in addresses.items():
        answer = browser.get(address)
        found[name] = answer.status_code
        answer.close()
    return found


def sees_nothing(user: User, study: Study) -> bool:
    return set(answers(user, looked_at(study)).values()) == {404}


def test_a_member_looks_at_every_door_and_a_stranger_at_none(
    board: Collection, chest: Study, archive: Archive, decoders: Pool, bob: User, orthopaedics: Department
) -> None:
    stranger = UserFactory.create(username="stranger")
    MembershipFactory.create(user=stranger, department=orthopaedics, role=Role.CLINICIAN)
    archive.draw(chest.study_instance_uid)
    assert set(answers(bob, looked_at(chest)).values()) == {200}
    assert sees_nothing(stranger, chest)


def test_a_lent_study_is_taken_away_with_the_right_to_download_alone(
    board: Collection, chest: Study, alice: User, bob: User
) -> None:
    assert set(answers(bob, taken_away(chest)).values()) == {403}
    services.set_member(board, who(alice), Rights(may_download=True), user=bob)
    assert set(answers(bob, taken_away(chest)).values()) == {200}


def test_a_removed_member_sees_nothing_from_the_next_request_on(
    board: Collection, chest: Study, alice: User, bob: User
) -> None:
    member = CollectionMember.objects.get(collection=board, user=bob)
    services.remove_member(board, who(alice), member.pk)
    assert sees_nothing(bob, chest)


def test_a_study_that_is_taken_out_is_seen_by_no_member(
    board: Collection, chest: Study, alice: User, bob: User
) -> None:
    gathering.remove(board, who(alice), CollectionItem.objects.get(collection=board).pk)
    assert sees_nothing(bob, chest)


def test_an_archived_collection_lends_nothing_until_it_is_brought_back(
    board: Collection, chest: Study, alice: User, bob: User
) -> None:
    services.archive(board, who(alice), is_archived=True)
    assert sees_nothing(bob, chest)
    services.archive(board, who(alice), is_archived=False)
    assert not sees_nothing(bob, chest)


def test_a_protected_study_is_lent_no_more(board: Collection, chest: Study, bob: User) -> None:
    protecting.protect(chest, Label.PROTECTED, reason="a patient's wish", actor=ALICE)
    assert sees_nothing(bob, chest)


def test_a_study_that_its_department_lost_is_lent_no_more(
    board: Collection, chest: Study, emergency: Department, bob: User
) -> None:
    Placement.objects.filter(study=chest, department=emergency).delete()
    assert sees_nothing(bob, chest)


def test_a_department_that_was_closed_lends_nothing(
    board: Collection, chest: Study, emergency: Department, bob: User
) -> None:
    Department.objects.filter(pk=emergency.pk).update(is_active=False)
    assert sees_nothing(bob, chest)


def test_a_study_that_turned_out_to_be_another_persons_is_lent_no_more(
    board: Collection, chest: Study, bob: User
) -> None:
    other = Patient.objects.create(patient_id="OTHER", patient_name="Other^Person")
    Study.objects.filter(pk=chest.pk).update(patient=other)
    assert sees_nothing(bob, chest)


def test_records_of_one_person_that_are_merged_keep_a_study_lent(board: Collection, chest: Study, bob: User) -> None:
    patient = chest.patient
    for number in ("SAME", "AGAIN"):
        into = Patient.objects.create(issuer_of_patient_id="HOSPITAL2", patient_id=number)
        merging.merge(patient, into, reason="one person", actor=ALICE)
        assert not sees_nothing(bob, chest)
        patient = into


def test_a_patient_who_opposes_teaching_is_in_no_teaching_collection(
    making: Making, chest: Study, alice: User, bob: User
) -> None:
    lecture = making(chest, kind="teaching")
    services.set_member(lecture, who(alice), Rights(), user=bob)
    assert not sees_nothing(bob, chest)
    oppositions.record_choice(
        chest.patient,
        use="teaching",
        answer="opposed",
        said_by="patient",
        said_on=chest.study_at.date(),
        evidence="a letter",
        actor=ALICE,
    )
    assert sees_nothing(bob, chest)


def test_who_works_nowhere_any_more_keeps_nothing_of_a_collection(board: Collection, chest: Study, bob: User) -> None:
    bob.memberships.all().delete()
    assert scope_of_user(bob).is_empty
    assert sees_nothing(bob, chest)


def test_a_member_department_looks_as_long_as_one_works_there(
    making: Making, chest: Study, orthopaedics: Department, alice: User, bob: User
) -> None:
    collection = making(chest)
    services.set_member(collection, who(alice), Rights(), department=orthopaedics)
    assert not sees_nothing(bob, chest)
    bob.memberships.all().delete()
    assert sees_nothing(bob, chest)


def test_what_is_lent_is_not_passed_on(board: Collection, chest: Study, bob: User, alice: User, making: Making) -> None:
    services.set_member(board, who(alice), Rights(may_add=True), user=bob)
    added = gathering.add(making(), who(alice), [])
    assert added.added == 0
    own = gathering.add(board, who(bob), [chest.study_instance_uid])
    assert (own.added, own.without_right) == (0, 1)
    assert signed_in(bob).get(f"/shared/new?study={chest.study_instance_uid}").status_code == 403


def test_a_lent_study_does_not_fill_the_members_own_list(board: Collection, chest: Study, bob: User) -> None:
    assert chest.study_instance_uid not in signed_in(bob).get("/").content.decode()


def test_what_is_lent_is_found_by_its_study_and_by_no_search(board: Collection, chest: Study, bob: User) -> None:
    browser, uid = signed_in(bob), chest.study_instance_uid
    assert len(browser.get(f"/dicom-web/studies/{uid}/series").json()) == 1
    assert len(browser.get(f"/dicom-web/studies/{uid}/instances").json()) == 1
    for search in ("studies", "series", "instances"):
        answer = browser.get(f"/dicom-web/{search}")
        assert answer.status_code == 204 or uid not in answer.content.decode()
    assert "Durand" not in browser.get("/api/v1/patients/").content.decode()


def test_a_study_is_not_added_by_who_may_not_share_it(making: Making, chest: Study, bob: User, alice: User) -> None:
    collection = making()
    services.set_member(collection, who(alice), Rights(may_add=True), user=bob)
    added = gathering.add(collection, who(bob), [chest.study_instance_uid, "1.2.3"])
    assert (added.added, added.unknown) == (0, 2)


def test_who_manages_alone_cannot_leave(board: Collection, alice: User) -> None:
    with pytest.raises(NotDone, match="last_manager"):
        services.leave(board, who(alice))
    assert CollectionMember.objects.filter(collection=board, user=alice).exists()
