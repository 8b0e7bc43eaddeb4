"""What a share shows is asked anew each time: whatever ends it ends it at once, and nothing widens it."""

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing import selectors, streams
from imaging.sharing.making import services
from imaging.sharing.making.policies import What
from imaging.sharing.making.services import Made, NotShared
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies import access, oppositions
from imaging.studies.correction import merging
from imaging.studies.models import Instance, KeyImage, Patient, Placement, Series, Study
from tests import memories
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.rendering.conftest import Pool
from tests.shared_links import Letters, Sharing, open_link, person, wish
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = Actor("user", "1", "alice")


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


def come_in(browser: Client, made: Made) -> str:
    """Open a share with its printed proof; the address below which it lies."""
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}"


def found(browser: Client, root: str, level: str = "studies", tag: str = "0020000D") -> set[str]:
    answer = browser.get(f"{root}/dicom-web/{level}")
    return {row[tag]["Value"][0] for row in answer.json()} if answer.status_code == 200 else set()


def test_a_clinician_and_two_shares_in_one_browser_never_meet(
    sharing: Sharing, chest: Study, archive: Archive, alice: User, outside: Client
) -> None:
    other = arrivals.dataset(PatientID="OTHER")
    archive.receive(other)
    second = Study.objects.get(study_instance_uid=other.StudyInstanceUID)
    one, two = sharing(chest, factor=Factor.PRINTED), sharing(second, factor=Factor.PRINTED)
    roots = come_in(outside, one), come_in(outside, two)
    outside.force_login(alice)
    assert found(outside, roots[0]) == {chest.study_instance_uid}
    assert found(outside, roots[1]) == {second.study_instance_uid}
    assert found(outside, "") == {chest.study_instance_uid, second.study_instance_uid}
    # The cookies of the shares alone open nothing of the portal; that of the session nothing of a share.
    del outside.cookies[settings.SESSION_COOKIE_NAME]
    assert outside.get("/dicom-web/studies").status_code == 401
    assert found(outside, roots[0]) == {chest.study_instance_uid}
    third = sharing(chest, factor=Factor.PRINTED)
    outside.force_login(alice)
    assert outside.get(f"/s/{third.share.key}/dicom-web/studies").status_code == 401


def test_the_cookie_of_one_share_opens_no_other(sharing: Sharing, chest: Study, outside: Client) -> None:
    one, two = sharing(chest, factor=Factor.PRINTED), sharing(chest, factor=Factor.PRINTED)
    come_in(outside, one)
    for name in [name for name in outside.cookies if one.share.key in name]:
        outside.cookies[name.replace(one.share.key, two.share.key)] = outside.cookies[name].value
    assert outside.get(f"/s/{two.share.key}/dicom-web/studies").status_code == 401


def test_only_the_chosen_series_is_there(
    sharing: Sharing, archive: Archive, outside: Client, emergency: Department
) -> None:
    uid = arrivals.uid()
    archive.receive(*(arrivals.dataset(StudyInstanceUID=uid, SeriesNumber=n) for n in (1, 2)))
    study = Study.objects.get(study_instance_uid=uid)
    first, second = (row.series_instance_uid for row in Series.objects.filter(study=study).order_by("series_number"))
    made = sharing(study, what=What.SERIES, series=frozenset({first}), factor=Factor.PRINTED, may_download=True)
    root = come_in(outside, made)
    assert found(outside, root, "series", "0020000E") == {first}
    assert outside.get(f"{root}/dicom-web/studies/{uid}/series/{second}/metadata").status_code == 404
    assert outside.get(f"{root}/dicom-web/studies/{uid}/metadata").json()[0]["0020000E"]["Value"] == [first]


def test_only_the_key_images_are_there(sharing: Sharing, archive: Archive, alice: User, outside: Client) -> None:
    uid, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=uid, SeriesInstanceUID=series, InstanceNumber=n) for n in (1, 2)]
    archive.receive(*made)
    study = Study.objects.get(study_instance_uid=uid)
    key = study.series.get().instances.get(sop_instance_uid=made[1].SOPInstanceUID)
    KeyImage.objects.create(study=study, instance=key, flagged_by=alice)
    root = come_in(outside, sharing(study, what=What.KEY_IMAGES, factor=Factor.PRINTED))
    assert found(outside, root, "instances", "00080018") == {made[1].SOPInstanceUID}


def test_who_may_look_but_not_download_gets_pictures_and_no_objects(
    sharing: Sharing, chest: Study, outside: Client
) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    assert outside.get(f"{root}/dicom-web/studies/{chest.study_instance_uid}/metadata").status_code == 200
    assert outside.get(f"{root}/dicom-web/studies/{chest.study_instance_uid}").status_code == 403
    assert outside.get(f"{root}/studies/{chest.study_instance_uid}/download").status_code == 403


def test_nothing_can_be_stored_or_marked_by_a_link(sharing: Sharing, chest: Study, outside: Client) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED, may_download=True))
    assert outside.post(f"{root}/dicom-web/studies", b"", content_type="multipart/related").status_code == 405
    marks = f"{root}/viewer/{chest.study_instance_uid}"
    assert outside.put(f"{marks}/annotations/00000000-0000-0000-0000-000000000007").status_code == 404
    assert outside.get(f"{root}/studies/{chest.study_instance_uid}/").status_code == 404


def test_revoking_closes_it_at_once_and_the_open_page_says_so(
    sharing: Sharing, chest: Study, outside: Client, alice: User
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, made)
    services.revoke(made.share, words="wrong address", user=alice, actor=ALICE)
    page = outside.get(f"{root}/")
    assert (page.status_code, "This link was revoked" in page.content.decode()) == (410, True)
    assert "wrong address" not in page.content.decode()
    assert found(outside, root) == set()
    assert outside.get(f"{root}/viewer/{chest.study_instance_uid}/markings.json").status_code == 404


def test_what_is_on_its_way_stops_when_the_share_is_revoked(
    sharing: Sharing, chest: Study, outside: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_ASKED_AGAIN", 0.0)
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root = come_in(outside, made)
    answer: Any = outside.get(f"{root}/dicom-web/studies/{chest.study_instance_uid}")
    pieces = iter(answer.streaming_content)
    assert next(pieces)
    services.revoke(made.share, words="", user=alice, actor=ALICE)
    with pytest.raises(streams.ShareEnded):
        list(pieces)


def test_a_smaller_right_holds_at_once(sharing: Sharing, chest: Study, outside: Client, alice: User) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    root = come_in(outside, made)
    address = f"{root}/dicom-web/studies/{chest.study_instance_uid}"
    assert outside.get(address).status_code == 200
    services.change(made.share, user=alice, actor=ALICE, may_download=False)
    assert outside.get(address).status_code == 403


def test_what_becomes_protected_is_out_of_it(sharing: Sharing, chest: Study, outside: Client, alice: User) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    Study.objects.update(sensitivity="restricted")
    Placement.objects.update(sensitivity="restricted")
    assert found(outside, root) == set()
    assert "Nothing is open at the moment" in outside.get(f"{root}/").content.decode()


def test_what_leaves_the_department_is_out_of_it(sharing: Sharing, chest: Study, outside: Client) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    Placement.objects.update(until=timezone.now())
    assert found(outside, root) == set()


def test_what_turns_out_to_be_another_persons_is_out_of_it(sharing: Sharing, chest: Study, outside: Client) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    Study.objects.update(patient=Patient.objects.create(patient_id="SOMEBODY ELSE"))
    assert found(outside, root) == set()


def test_what_goes_to_the_record_of_the_same_person_stays(
    sharing: Sharing, chest: Study, archive: Archive, outside: Client
) -> None:
    root = come_in(outside, sharing(chest, factor=Factor.PRINTED))
    into = Patient.objects.create(issuer_of_patient_id="HOSPITAL2", patient_id="SAME")
    merging.merge(chest.patient, into, reason="one person", actor=ALICE)
    assert Study.objects.get().patient == into
    assert found(outside, root) == {chest.study_instance_uid}


def test_a_patient_who_opposes_closes_what_was_shared(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, made)
    oppose(chest.patient, "outside")
    assert found(outside, root) == set()
    with pytest.raises(NotShared) as refused:
        sharing(chest)
    assert [problem.why for problem in refused.value.problems] == ["patient_opposes"]
    assert sharing(chest, recipient=Recipient.PATIENT).share.pk


def oppose(patient: Patient, use: str) -> None:
    oppositions.record_choice(
        patient, use=use, answer="opposed", said_by="patient", said_on=dt.date(2026, 1, 1), evidence="", actor=ALICE
    )


def test_a_wider_later_share_widens_no_older_one(sharing: Sharing, chest: Study, outside: Client) -> None:
    narrow = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, narrow)
    sharing(chest, factor=Factor.PRINTED, may_download=True, most_opens=20)
    assert outside.get(f"{root}/dicom-web/studies/{chest.study_instance_uid}").status_code == 403
    assert Share.objects.get(pk=narrow.share.pk).most_opens == 5


def test_nobody_shares_what_they_may_only_look_at(
    chest: Study, orthopaedics: Department, bob: User, charlie: User, emergency: Department
) -> None:
    with pytest.raises(access.StudyNotVisible):
        services.make(person(bob, orthopaedics), wish(chest))
    MembershipFactory.create(user=charlie, department=emergency, role=Role.TRAINEE)
    with pytest.raises(access.RightMissing):
        services.make(person(charlie, emergency, Role.TRAINEE), wish(chest))
    assert not Share.objects.exists()


def test_a_visit_ends_by_itself(sharing: Sharing, chest: Study, outside: Client) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    root = come_in(outside, made)
    ShareVisit.objects.update(valid_until=timezone.now())
    assert found(outside, root) == set()
    assert "Images shared with you" in outside.get(f"{root}/").content.decode()


def test_a_share_that_waits_for_a_second_person_opens_once_it_is_allowed(
    sharing: Sharing, chest: Study, outside: Client, share_policy: Any, alice: User, letters: Letters
) -> None:
    share_policy(approval="all")
    made = sharing(chest, factor=Factor.PRINTED)
    assert not letters()
    assert "second person" in open_link(outside, made).content.decode()
    with pytest.raises(NotShared):
        services.decide(made.share, allow=True, words="", user=alice, actor=ALICE)
    boss = UserFactory.create()
    allowed = services.decide(made.share, allow=True, words="", user=boss, actor=ALICE)
    assert allowed is not None
    assert open_link(outside, allowed).status_code == 303
    assert selectors.still_stands(ShareVisit.objects.select_related("share").get())


def test_no_small_picture_shows_what_was_not_shared(
    sharing: Sharing, archive: Archive, decoders: Pool, alice: User, outside: Client
) -> None:
    uid, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=uid, SeriesInstanceUID=series, InstanceNumber=n) for n in (1, 2, 3)]
    other = arrivals.dataset(StudyInstanceUID=uid, SeriesNumber=9)
    archive.receive(*made, other)
    archive.draw(uid)
    study = Study.objects.get(study_instance_uid=uid)
    key = Instance.objects.get(sop_instance_uid=made[2].SOPInstanceUID)
    KeyImage.objects.create(study=study, instance=key, flagged_by=alice)
    images = come_in(outside, sharing(study, what=What.KEY_IMAGES, factor=Factor.PRINTED))
    assert outside.get(f"{images}/studies/{uid}/thumbnail").status_code == 404
    assert outside.get(f"{images}/studies/{uid}/series/{series}/thumbnail").status_code == 404
    [entry] = outside.get(f"{images}/viewer/{uid}/manifest.json").json()["series"]
    assert made[2].SOPInstanceUID in entry["thumbnail_url"]
    assert outside.get(entry["thumbnail_url"]).status_code == 200
    headers = outside.get(f"{images}/dicom-web/studies/{uid}/metadata").json()
    assert [row["00080018"]["Value"][0] for row in headers] == [made[2].SOPInstanceUID]
    for kept_back in (made[0], other):
        there = f"{images}/dicom-web/studies/{uid}/series/{kept_back.SeriesInstanceUID}/instances"
        for path in ("metadata", "frames/1", "rendered", "thumbnail"):
            assert outside.get(f"{there}/{kept_back.SOPInstanceUID}/{path}").status_code == 404
        pictures = f"{images}/studies/{uid}/series/{kept_back.SeriesInstanceUID}/instances/{kept_back.SOPInstanceUID}"
        assert outside.get(f"{pictures}/preview").status_code == 404

    one = come_in(outside, sharing(study, what=What.SERIES, series=frozenset({series}), factor=Factor.PRINTED))
    assert outside.get(f"{one}/studies/{uid}/thumbnail").status_code == 404
    assert outside.get(f"{one}/studies/{uid}/series/{series}/thumbnail").status_code == 200
    assert outside.get(f"{one}/studies/{uid}/series/{other.SeriesInstanceUID}/thumbnail").status_code == 404
