"""Giving a link to a patient's record, and ending one: by the patient, or by who holds it. Each in one transaction with its audit."""

import uuid
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.messaging import codes
from accounts.roles import Right
from imaging.dicom import person_name
from imaging.sharing import log, notices, scopes, secrets
from imaging.sharing import selectors as sharing
from imaging.sharing.entrance import sending
from imaging.sharing.health_link import services as health_links
from imaging.sharing.making.policies import Problem
from imaging.sharing.making.services import Handed, Made, NotShared, Person
from imaging.sharing.models import RecordLink, RecordPolicy, Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Factor, Purpose, Recipient
from imaging.sharing.record import policies, selectors
from imaging.sharing.record.policies import RecordWish
from imaging.studies import access
from imaging.studies.models import Patient

#: How the end of a link is kept, where a person outside ended it: the pages have sentences for these words.
CLOSED: Final = "closed"
CLOSED_BY_PATIENT: Final = "closed_by_patient"
SIGNED_OUT: Final = "signed_out"


def give(person: Person, wish: RecordWish, *, token: uuid.UUID | None = None) -> Made:
    """Give a link to the record of the patient of the study in hand.

    Raises ``NotShared``, ``StudyNotVisible`` and ``RightMissing``; nothing is given then. What waits for a second person is
    not sent yet.
    """
    study = access.open_study(
        person.scope, wish.study, actor=person.actor, purpose=access.Purpose.CHANGE, right=Right.SHARE
    )
    rules, limits = selectors.policy_of(person.department.pk), sharing.policy_of(person.department.pk)
    now = timezone.now()
    of_age_at = selectors.of_age_at(study.patient, person.department, rules)
    problems = policies.problems(wish, rules, limits, roles=person.roles, of_age_at=of_age_at, now=now)
    if scopes.is_kept_back(study.patient, Recipient.PATIENT):
        problems.append(Problem("", "patient_opposes"))
    if problems:
        raise NotShared(problems)
    waits = policies.needs_approval(rules, limits)
    with transaction.atomic():
        share, handed = _created(person, wish, study.patient, rules, waits=waits, token=token)
        share.valid_until = selectors.latest_end(share, share.valid_until)
        share.save(update_fields=["valid_until"])
        log.record(audit.Action.SHARE_MADE, share, actor=person.actor, detail=_told(share, wish))
        log.note(share, ShareEvent.Kind.MADE, person=person.user)
        if waits:
            notices.tell_approvers(share)
        elif wish.sends:
            sending.send_link(share, handed.secret, handed.code, actor=person.actor)
    return Made(share, handed)


def _created(
    person: Person, wish: RecordWish, patient: Patient, rules: RecordPolicy, *, waits: bool, token: uuid.UUID | None
) -> tuple[Share, Handed]:
    if wish.valid_until is None:
        raise ValueError("a link ends")
    proof = codes.new_printed_code() if wish.factor == Factor.PRINTED else ""
    handed = Handed(secrets.new_secret(), codes.new_printed_code(), proof)
    share = Share.objects.create(
        kind=Share.Kind.RECORD,
        key=secrets.new_key(),
        secret_digest=secrets.digest_of(handed.secret),
        code_digest=codes.printed_digest(handed.code),
        proof_digest=codes.printed_digest(proof) if proof else "",
        state=Share.State.WAITING if waits else Share.State.OPEN,
        created_by=person.user,
        department=person.department,
        patient=patient,
        recipient=Recipient.PATIENT,
        recipient_name=wish.name or person_name.display(patient.patient_name)[:150],
        recipient_email=wish.email,
        recipient_phone=wish.phone,
        language=wish.language,
        purpose=Purpose.PATIENT,
        note=wish.note,
        may_download=rules.may_download,
        with_report=rules.shows_reports,
        factor=wish.factor,
        valid_until=wish.valid_until,
        most_opens=rules.most_opens,
        most_wrong=rules.most_wrong,
        is_handed_over=not wish.sends,
        token=token or uuid.uuid4(),
    )
    RecordLink.objects.create(
        share=share,
        relation=wish.relation,
        ground=wish.ground if wish.is_for_proxy else "",
        ground_words=wish.ground_words if wish.is_for_proxy else "",
        identity=wish.identity,
        ends_of_age=wish.is_for_proxy and wish.ground in policies.ENDS_OF_AGE,
    )
    return share, handed


def _told(share: Share, wish: RecordWish) -> dict[str, object]:
    """What the audit keeps of a link: all of it but what opens it."""
    return {
        "kind": share.kind,
        "relation": share.record.relation,
        "ground": share.record.ground,
        "ground_words": share.record.ground_words,
        "identity": share.record.identity,
        "study": wish.study,
        "name": share.recipient_name,
        "email": share.recipient_email,
        "phone": share.recipient_phone,
        "factor": share.factor,
        "until": share.valid_until.isoformat(),
        "state": share.state,
    }


def sign_out(share: Share, *, actor: Actor) -> int:
    """End all visits of a link, on all devices: who lost one. The link itself goes on. How many were ended."""
    with transaction.atomic():
        Share.objects.select_for_update(of=("self",)).get(pk=share.pk)
        ended = ShareVisit.objects.filter(share=share, ended_at=None).update(ended_at=timezone.now())
        log.note(share, ShareEvent.Kind.CHANGED, words=SIGNED_OUT)
        log.record(audit.Action.SHARE_CHANGED, share, actor=actor, detail={"visits_ended": ended})
    return ended


def close(share: Share, *, actor: Actor) -> bool:
    """End a link, as whoever holds it wishes. False when it had ended already."""
    return _ended(share, actor=actor, word=CLOSED)


def end_proxy(share: Share, key: str, *, actor: Actor) -> Share | None:
    """End the link of somebody who acts for the patient, as the patient wishes. None when there is no such link any more.

    ``share`` is the patient's own link: no proxy ends another one's.
    """
    if selectors.is_proxy(share):
        return None
    proxy = next((row for row in selectors.proxies_of(share) if row.key == key), None)
    return proxy if proxy is not None and _ended(proxy, actor=actor, word=CLOSED_BY_PATIENT) else None


def _ended(share: Share, *, actor: Actor, word: str) -> bool:
    with transaction.atomic():
        held = Share.objects.select_for_update(of=("self",)).select_related("patient", "created_by").get(pk=share.pk)
        if held.is_over:
            return False
        held.state, held.ended_at, held.version = Share.State.REVOKED, timezone.now(), held.version + 1
        held.ended_because = word
        held.save(update_fields=["state", "ended_at", "version", "ended_because"])
        health_links.end(held)
        log.note(held, ShareEvent.Kind.REVOKED, words=word)
        log.record(audit.Action.SHARE_REVOKED, held, actor=actor, detail={"words": word})
        notices.tell_owner(held, notices.REVOKED)
    return True
