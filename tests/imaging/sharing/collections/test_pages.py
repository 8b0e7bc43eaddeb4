"""Pages of collections: for members alone, each with what they may do, and nothing of a patient for who may not know them."""

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, Notification, User
from accounts.notifications import mailing
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from imaging.privacy.looking import selectors as looking
from imaging.privacy.looking.grounds import Ground
from imaging.privacy.looking.identities import identity_of
from imaging.sharing.collections import services, talking
from imaging.sharing.collections.policies import NotDone, Rights
from imaging.sharing.models import Collection, CollectionComment, CollectionItem, CollectionMember
from imaging.studies import readers
from imaging.studies.models import Placement, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.sharing.collections.conftest import Making, signed_in, who
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(collection: Collection) -> str:
    return f"/collections/{collection.key}/"


def text(browser: Client, address: str) -> str:
    return browser.get(address).content.decode()


@pytest.fixture
def stranger(orthopaedics: Department) -> User:
    """A clinician who is a member of nothing."""
    user = UserFactory.create(username="stranger")
    MembershipFactory.create(user=user, department=orthopaedics, role=Role.CLINICIAN)
    return user


def test_somebody_makes_a_collection_and_manages_it(alice: User, emergency: Department) -> None:
    browser = signed_in(alice)
    answer = browser.post("/collections/new", {"name": "Board", "kind": "tumour_board", "department": emergency.pk})
    made = Collection.objects.get()
    assert answer["Location"] == page_of(made)
    assert CollectionMember.objects.get(collection=made).manages
    assert "Board" in text(browser, "/collections/")


def test_a_collection_is_made_only_for_a_department_in_which_one_shares(alice: User, orthopaedics: Department) -> None:
    sent = {"name": "Board", "kind": "tumour_board", "department": orthopaedics.pk}
    assert signed_in(alice).post("/collections/new", sent).status_code == 422
    assert not Collection.objects.exists()


def test_a_trainee_makes_none(emergency: Department) -> None:
    trainee = UserFactory.create()
    MembershipFactory.create(user=trainee, department=emergency, role=Role.TRAINEE)
    assert signed_in(trainee).get("/collections/new").status_code == 403


def test_who_sees_no_image_anywhere_has_no_collections(charlie: User) -> None:
    assert signed_in(charlie).get("/collections/").status_code == 403


def test_for_a_stranger_a_collection_does_not_exist(board: Collection, stranger: User) -> None:
    browser = signed_in(stranger)
    key = board.key
    assert browser.get(page_of(board)).status_code == 404
    assert browser.get("/collections/AAAAAAAAAAAA/").status_code == 404
    assert board.name not in text(browser, "/collections/")
    writes = ["studies/add", "members/", "leave", "comments", "archive", "studies/1/remove", "members/1/remove"]
    assert {browser.post(f"/collections/{key}/{write}").status_code for write in writes} == {404}


def test_a_member_sees_the_studies_with_names_and_pictures(board: Collection, bob: User) -> None:
    shown = text(signed_in(bob), page_of(board))
    assert "DURAND" in shown
    assert "Chest PA" in shown


def test_a_study_that_is_lent_no_more_is_said_to_be_gone_and_not_named(
    board: Collection, chest: Study, bob: User
) -> None:
    Placement.objects.filter(study=chest).delete()
    shown = text(signed_in(bob), page_of(board))
    assert "This study is not available any more" in shown
    assert "DURAND" not in shown
    assert chest.study_instance_uid not in shown


def test_studies_go_in_from_the_list_with_a_note(making: Making, chest: Study, alice: User) -> None:
    collection = making()
    browser = signed_in(alice)
    asked = browser.post("/collections/add", {"study": [chest.study_instance_uid]}).content.decode()
    assert collection.name in asked
    sent = {"study": [chest.study_instance_uid], "collection": collection.key, "note": "nodule?"}
    assert browser.post("/collections/put", sent)["Location"] == page_of(collection)
    item = CollectionItem.objects.get(collection=collection)
    assert (item.study, item.note, item.added_by) == (chest, "nodule?", alice)


def test_studies_in_hand_go_into_a_collection_that_is_made_for_them(
    chest: Study, alice: User, emergency: Department
) -> None:
    browser, hand = signed_in(alice), {"study": [chest.study_instance_uid]}
    offered = browser.post("/collections/add", hand).content.decode()
    assert "New collection" in offered
    begun = browser.post("/collections/new", {**hand, "begin": "1"})
    assert begun.status_code == 200
    assert chest.study_instance_uid in begun.content.decode()
    browser.post("/collections/new", {**hand, "name": "Board", "kind": "other", "department": emergency.pk})
    assert [item.study for item in CollectionItem.objects.filter(collection__name="Board")] == [chest]


def test_uids_are_pasted_and_what_is_none_is_said(making: Making, chest: Study, alice: User) -> None:
    collection = making()
    browser = signed_in(alice)
    refused = browser.post(f"{page_of(collection)}studies/add", {"uids": "1.2.3 <b>"})
    assert refused.status_code == 422
    assert "is no Study Instance UID" in refused.content.decode()
    browser.post(f"{page_of(collection)}studies/add", {"uids": f"{chest.study_instance_uid},\n1.2.3"})
    assert [item.study for item in CollectionItem.objects.filter(collection=collection)] == [chest]


def test_the_order_of_cases_is_changed_and_shown(making: Making, chest: Study, archive: Archive, alice: User) -> None:
    made = arrivals.dataset(PatientID="SECOND", PatientName="Second^Case")
    archive.receive(made)
    second = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    collection = making(chest, second)
    browser = signed_in(alice)
    last = CollectionItem.objects.get(collection=collection, study=second)
    browser.post(f"{page_of(collection)}studies/{last.pk}/move", {"to": "up"})
    shown = text(browser, page_of(collection))
    assert shown.index("SECOND") < shown.index("DURAND")


def test_the_viewer_leads_back_to_the_collection_for_members_alone(
    board: Collection, chest: Study, bob: User, alice: User, making: Making
) -> None:
    address = f"/viewer/{chest.study_instance_uid}/?in="
    assert page_of(board) in text(signed_in(bob), address + board.key)
    other = making(name="Not Bob's")
    assert page_of(other) not in text(signed_in(bob), address + other.key)


def test_a_member_without_a_right_is_offered_nothing_of_it_and_refused(board: Collection, bob: User) -> None:
    browser = signed_in(bob)
    shown = text(browser, page_of(board))
    assert "Add by UID" not in shown
    assert "Members and rights" not in shown
    item = CollectionItem.objects.get(collection=board)
    browser.post(f"{page_of(board)}studies/{item.pk}/remove")
    browser.post(f"{page_of(board)}comments", {"words": "no"})
    browser.post(f"{page_of(board)}archive")
    assert browser.get(f"{page_of(board)}members/").status_code == 403
    item.refresh_from_db()
    board.refresh_from_db()
    assert (item.removed_at, board.archived_at) == (None, None)
    assert not CollectionComment.objects.exists()


def test_a_person_and_a_department_are_made_members_by_name(
    making: Making, alice: User, stranger: User, orthopaedics: Department
) -> None:
    collection = making()
    address = f"{page_of(collection)}members/"
    browser = signed_in(alice)
    assert browser.post(address, {"person": "nobody-at-all"}).status_code == 422
    assert browser.post(address, {"person": "stranger", "department": orthopaedics.pk}).status_code == 422
    assert browser.post(address, {"department": orthopaedics.pk, "manages": "on"}).status_code == 422
    browser.post(address, {"person": "@stranger", "may_comment": "on"})
    browser.post(address, {"department": orthopaedics.pk})
    rows = CollectionMember.objects.filter(collection=collection).exclude(user=alice)
    assert {(row.user, row.department, row.may_comment) for row in rows} == {
        (stranger, None, True),
        (None, orthopaedics, False),
    }


def test_the_last_manager_stays(board: Collection, alice: User, bob: User) -> None:
    own = CollectionMember.objects.get(collection=board, user=alice)
    shown = signed_in(alice).post(f"{page_of(board)}members/{own.pk}/change", {}, follow=True).content.decode()
    assert "somebody must manage the collection" in shown
    services.set_member(board, who(alice), Rights(manages=True), user=bob)
    services.leave(board, who(alice))
    assert signed_in(alice).get(page_of(board)).status_code == 404


def test_a_comment_is_shown_as_text_and_its_mentions_hear_of_it_without_its_words(
    board: Collection, alice: User, bob: User, stranger: User, mailoutbox: list[EmailMessage]
) -> None:
    item = CollectionItem.objects.get(collection=board)
    said = "Durand: look, @bob and @stranger. <script>alert(1)</script> (alice@hospital.example)"
    signed_in(alice).post(f"{page_of(board)}comments", {"words": said, "item": item.pk})
    shown = text(signed_in(bob), page_of(board))
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown
    assert CollectionComment.objects.get().item == item
    told = Notification.objects.filter(kind="collection.mentioned")
    assert [row.user for row in told] == [bob]
    mailing.send_due()
    mail = next(mail for mail in mailoutbox if "named you" in mail.subject)
    assert page_of(board) in str(mail.body)
    assert "Durand" not in str(mail.body)
    assert board.name not in str(mail.body)


@pytest.mark.usefixtures("early_clock")
def test_the_part_with_comments_is_fetched_again_only_when_something_was_said(board: Collection, alice: User) -> None:
    browser, address = signed_in(alice), f"{page_of(board)}comments"
    tag = browser.get(address)["ETag"]
    assert browser.get(address, headers={"If-None-Match": tag}).status_code == 304
    talking.write(board, who(alice), "News")
    assert "News" in browser.get(address, headers={"If-None-Match": tag}).content.decode()


@pytest.mark.usefixtures("early_clock")
def test_the_part_with_studies_is_fetched_again_only_when_they_changed(
    board: Collection, chest: Study, alice: User
) -> None:
    browser = signed_in(alice)
    part = {"HX-Request": "true"}
    tag = browser.get(page_of(board), headers=part)["ETag"]
    assert browser.get(page_of(board), headers={**part, "If-None-Match": tag}).status_code == 304
    Placement.objects.filter(study=chest).delete()
    assert browser.get(page_of(board), headers={**part, "If-None-Match": tag}).status_code == 200


def test_authors_change_and_delete_their_own_comments_and_what_was_said_is_kept(
    board: Collection, alice: User, bob: User
) -> None:
    services.set_member(board, who(alice), Rights(may_comment=True), user=bob)
    comment = talking.write(board, who(bob), "First")
    address = f"{page_of(board)}comments/{comment.pk}"
    signed_in(alice).post(f"{address}/change", {"words": "Not hers"})
    signed_in(bob).post(f"{address}/change", {"words": "Second"})
    comment.refresh_from_db()
    assert (comment.words, [words for _at, words in comment.before]) == ("Second", ["First"])
    signed_in(bob).post(f"{address}/delete")
    comment.refresh_from_db()
    assert [words for _at, words in comment.before] == ["First", "Second"]
    shown = text(signed_in(alice), page_of(board))
    assert "Deleted by its author" in shown
    assert "Second" not in shown


def test_an_archived_collection_takes_nothing_and_says_so(board: Collection, chest: Study, alice: User) -> None:
    services.archive(board, who(alice), is_archived=True)
    with pytest.raises(NotDone, match="is_archived"):
        talking.write(board, who(alice), "late")
    browser = signed_in(alice)
    assert "This collection is archived" in text(browser, page_of(board))
    assert board.name not in text(browser, "/collections/")
    assert board.name in text(browser, "/collections/?show=archived")


def test_a_collection_is_found_by_its_name_without_the_name_in_an_address(board: Collection, alice: User) -> None:
    browser = signed_in(alice)
    assert board.name in browser.post("/collections/find", {"words": "thorax"}).content.decode()
    assert board.name not in browser.post("/collections/find", {"words": "knee"}).content.decode()


def test_what_is_done_is_on_record_and_a_look_names_the_collection(
    board: Collection, chest: Study, alice: User, bob: User
) -> None:
    signed_in(bob).get(page_of(board))
    signed_in(bob).get(f"/studies/{chest.study_instance_uid}/")
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"collection.made", "collection.study_added", "collection.member_set", "collection.opened"} <= actions
    look = AuditEvent.objects.get(action="study.opened", actor_id=str(bob.pk))
    assert look.detail["collections"] == [f"{board.name} ({board.key})"]
    signed_in(alice).get(f"/studies/{chest.study_instance_uid}/")
    own = AuditEvent.objects.get(action="study.opened", actor_id=str(alice.pk))
    assert "collections" not in own.detail


def test_who_looked_names_the_collection(board: Collection, chest: Study, bob: User) -> None:
    signed_in(bob).get(f"/studies/{chest.study_instance_uid}/")
    day = timezone.localdate()
    looks = looking.looks_at(identity_of(chest.patient), looking.Period(day, day))
    (group,) = [group for group in looks.groups if group.name == "Bob Leroy"]
    assert [(told.ground, told.reason) for told in group.grounds] == [
        (Ground.COLLECTION, f"{board.name} ({board.key})")
    ]


def test_its_reader_is_told_why_they_see_a_study(board: Collection, chest: Study, bob: User) -> None:
    assert board.name in text(signed_in(bob), f"/studies/{chest.study_instance_uid}/why")


def test_who_can_see_a_study_is_what_the_scope_of_each_gives(
    board: Collection, chest: Study, alice: User, bob: User, stranger: User, orthopaedics: Department
) -> None:
    services.set_member(board, who(alice), Rights(may_download=True), department=orthopaedics)
    told: dict[int, set[Right]] = {}
    for reader in readers.readers_of(chest).people:
        told.setdefault(reader.user.pk, set()).update(reader.rights)
    for user in (alice, bob, stranger):
        scope = scope_of_user(user)
        assert told[user.pk] == {right for right in Right if Study.objects.visible_to(scope, right).exists()}


def test_the_administration_shows_collections_to_who_answers_for_privacy_and_no_patient(
    board: Collection, alice: User, emergency: Department
) -> None:
    officer = UserFactory.create(is_staff=True)
    MembershipFactory.create(user=officer, department=emergency, role=Role.PRIVACY_OFFICER)
    browser = signed_in(officer)
    assert board.name in text(browser, "/admin/imaging/collection/")
    page = text(browser, f"/admin/imaging/collection/{board.pk}/change/")
    assert "alice" in page.lower()
    assert "Durand" not in page
    alice.is_staff = True
    alice.save()
    assert signed_in(alice).get("/admin/imaging/collection/").status_code == 403
