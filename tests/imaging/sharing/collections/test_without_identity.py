"""A collection without identity lends copies: never their sources, never before somebody looked at what was held, never the name."""

import pytest

from accounts.models import Department, User
from imaging.sharing.collections import gathering, services
from imaging.sharing.collections.policies import Rights
from imaging.sharing.copies import services as copies
from imaging.sharing.copies.services import Ruling
from imaging.sharing.models import Collection, CollectionItem, CopiedStudy, HeldObject
from imaging.studies.models import Placement, Study
from tests import memories
from tests.imaging.sharing.collections.conftest import Making, signed_in, who
from tests.imaging.sharing.collections.test_what_is_lent import answers, looked_at, sees_nothing, taken_away
from tests.imaging.sharing.copies.conftest import Background, background
from tests.imaging.sharing.copies.test_shared_without_identity import CT, burned, received
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["background"]


@pytest.fixture
def source(archive: Archive) -> Study:
    """A CT of the demo hospital."""
    return received(archive, *CT)


@pytest.fixture
def lecture(making: Making, source: Study, alice: User, bob: User) -> Collection:
    """The CT without identity, for Bob to look at."""
    collection = making(source, name="Lecture", kind="teaching", is_deidentified=True)
    services.set_member(collection, who(alice), Rights(), user=bob)
    return collection


def copy_of(study: Study) -> Study:
    copied = CopiedStudy.objects.get(source=study)
    assert copied.copy is not None
    return copied.copy


def page_of(user: User, collection: Collection) -> str:
    memories.forget()
    return signed_in(user).get(f"/collections/{collection.key}/").content.decode()


def test_members_look_at_the_copy_and_never_at_what_it_was_made_of(
    lecture: Collection, source: Study, bob: User, alice: User, background: Background
) -> None:
    waiting = page_of(bob, lecture)
    assert "A copy without identity" in waiting
    background()
    copy = copy_of(source)
    assert set(answers(bob, looked_at(copy)).values()) == {200}
    assert sees_nothing(bob, source)
    assert set(answers(bob, taken_away(copy)).values()) == {403}
    services.set_member(lecture, who(alice), Rights(may_download=True), user=bob)
    assert set(answers(bob, taken_away(copy)).values()) == {200}
    assert sees_nothing(bob, source)


def test_its_page_names_the_source_to_who_put_it_there_alone(
    lecture: Collection, source: Study, bob: User, alice: User, background: Background
) -> None:
    background()
    family = source.patient.patient_name.partition("^")[0].upper()
    own, others = page_of(alice, lecture), page_of(bob, lecture)
    assert source.study_instance_uid in own
    assert copy_of(source).study_instance_uid in others
    for told in (source.study_instance_uid, source.patient.patient_id, family):
        assert told not in others


def test_what_is_held_is_lent_to_nobody_before_somebody_has_looked(
    archive: Archive, making: Making, alice: User, bob: User, background: Background
) -> None:
    named = received(archive, *CT[1:], burned(CT[0], "DUPONT MARIE"))
    collection = making(named, is_deidentified=True)
    services.set_member(collection, who(alice), Rights(), user=bob)
    background()
    copied = CopiedStudy.objects.get(source=named)
    assert copied.state == CopiedStudy.State.HELD
    if copied.copy is not None:
        assert sees_nothing(bob, copied.copy)
    assert "to be looked at" in page_of(bob, collection)
    assert f"/shared/copies/{copied.key}/" in page_of(alice, collection)
    assert f"/shared/copies/{copied.key}/" not in page_of(bob, collection)
    rulings = [Ruling(row.pk, False) for row in HeldObject.objects.filter(copied_study=copied)]
    copies.decide(copied, rulings, user=alice, actor=who(alice).actor)
    background()
    assert set(answers(bob, looked_at(copy_of(named))).values()) == {200}


def test_a_copy_goes_with_its_source(
    lecture: Collection, source: Study, bob: User, alice: User, background: Background
) -> None:
    background()
    copy = copy_of(source)
    Placement.objects.filter(study=source).update(sensitivity="protected")
    assert sees_nothing(bob, copy)
    Placement.objects.filter(study=source).update(sensitivity="")
    assert not sees_nothing(bob, copy)
    gathering.remove(lecture, who(alice), CollectionItem.objects.get(collection=lecture).pk)
    assert sees_nothing(bob, copy)


def test_the_copy_of_one_collection_is_no_copy_of_another(
    lecture: Collection, source: Study, bob: User, emergency: Department, making: Making, background: Background
) -> None:
    second = making(source, name="Research", is_deidentified=True)
    background()
    made = CopiedStudy.objects.get(source=source, deidentification=second.deidentification)
    assert made.copy is not None
    assert sees_nothing(bob, made.copy)
