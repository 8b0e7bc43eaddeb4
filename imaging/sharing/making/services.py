"""Making a share, deciding about it, changing and ending it: each in one transaction with its audit.

The secret of a link is known while it is made: it goes into the mail or onto the letter, and is kept nowhere. Who lost a link
gets a new one, and the old one works no more.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.messaging import codes
from accounts.models import Department, User
from accounts.scope import Scope
from imaging.sharing import log, notices, scopes, secrets, selectors
from imaging.sharing.copies import services as copies
from imaging.sharing.entrance import sending
from imaging.sharing.health_link import services as health_links
from imaging.sharing.making import choosing, policies, preparing
from imaging.sharing.making.policies import Problem, Wish
from imaging.sharing.models import Share, ShareEvent, ShareItem, SharePolicy, ShareVisit
from imaging.sharing.models.choices import Factor, Recipient
from imaging.sharing.record import selectors as records

_State = Share.State
_Kind = ShareEvent.Kind


class NotShared(Exception):
    """A wish that was not granted, with everything that is against it. Nothing was shared."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(", ".join(problem.why for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Person:
    """Who shares: the account, what it may see, and the roles it has in the department for which it shares."""

    user: User
    scope: Scope
    actor: Actor
    department: Department
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Handed:
    """What opens a share, at the only moment when it is known. ``proof`` is empty unless it is handed over by itself."""

    secret: str
    code: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A share and what opens it."""

    share: Share
    handed: Handed


def new_token() -> str:
    """Return what tells one filled-in form from another, so that pressing twice shares once."""
    return str(uuid.uuid4())


def made_before(user: User, token: str) -> Share | None:
    """Return what this person has shared with this very form already."""
    key = _token(token)
    return Share.objects.filter(created_by=user, token=key).first() if key else None


def _token(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def make(person: Person, wish: Wish, *, token: str = "") -> Made:
    """Share what somebody wishes. Raises ``NotShared``, ``StudyNotVisible`` and ``RightMissing``.

    What waits for a second person is not sent yet: a new link is made, and sent, when it is allowed.
    """
    rules = selectors.policy_of(person.department.pk)
    studies = choosing.opened(wish, person.scope, actor=person.actor)
    here = person.scope.within([person.department.pk])
    waits = wish.recipient == Recipient.PATIENT and rules.report_hours > 0
    found, problems = choosing.chosen(wish, studies, here, report_waits=waits)
    problems = [*policies.problems(wish, rules, roles=person.roles, now=timezone.now()), *problems]
    patients = {entry.study.patient_id for entry in found}
    if len(patients) > 1:
        problems.append(Problem("", "several_patients"))
    elif found and scopes.is_kept_back(found[0].study.patient, wish.recipient):
        problems.append(Problem("", "patient_opposes"))
    if wish.factor == Factor.BIRTH_DATE and found and found[0].study.patient.birth_date is None:
        problems.append(Problem("factor", "no_birth_date"))
    if problems:
        raise NotShared(problems)
    with transaction.atomic():
        share, handed = _created(person, wish, found, rules=rules, token=_token(token))
        detail = _told(share, found)
        log.record(audit.Action.SHARE_MADE, share, actor=person.actor, detail=detail)
        log.note(share, _Kind.MADE, person=person.user)
        if share.state == _State.WAITING:
            notices.tell_approvers(share)
        elif share.state == _State.OPEN and wish.sends:
            sending.send_link(share, handed.secret, handed.code, actor=person.actor)
    return Made(share, handed)


def _created(
    person: Person,
    wish: Wish,
    found: list[choosing.Chosen],
    *,
    rules: SharePolicy,
    token: uuid.UUID | None,
) -> tuple[Share, Handed]:
    handed = _new(wish.factor)
    waits = policies.needs_approval(wish, rules)
    copies = None
    if wish.is_deidentified:
        copies = preparing.ask(person.user, found, options=rules.copies_keep, actor=person.actor, runs=not waits)
    share = Share.objects.create(
        key=secrets.new_key(),
        secret_digest=secrets.digest_of(handed.secret),
        code_digest=codes.printed_digest(handed.code),
        proof_digest=codes.printed_digest(handed.proof) if handed.proof else "",
        state=_State.WAITING if waits else _State.PREPARING if copies else _State.OPEN,
        created_by=person.user,
        department=person.department,
        patient=found[0].study.patient,
        recipient=wish.recipient,
        recipient_name=wish.name,
        recipient_email=wish.email,
        recipient_phone=wish.phone,
        language=wish.language,
        purpose=wish.purpose,
        purpose_words=wish.purpose_words,
        note=wish.note,
        may_download=wish.may_download,
        may_upload=wish.may_upload,
        with_report=wish.with_report,
        is_deidentified=wish.is_deidentified,
        deidentification=copies,
        is_handed_over=not wish.sends,
        factor=wish.factor,
        valid_from=wish.valid_from or timezone.now(),
        valid_until=wish.end,
        most_opens=wish.most_opens,
        most_wrong=rules.most_wrong,
        token=token or uuid.uuid4(),
    )
    rows = [
        ShareItem(share=share, study=entry.study, series=entry.series, instance=entry.instance, is_prior=entry.is_prior)
        for entry in found
    ]
    ShareItem.objects.bulk_create(rows)
    return share, handed


def _new(factor: str) -> Handed:
    proof = codes.new_printed_code() if factor == Factor.PRINTED else ""
    return Handed(secrets.new_secret(), codes.new_printed_code(), proof)


def _told(share: Share, found: list[choosing.Chosen]) -> dict[str, object]:
    """What the audit keeps of a share: all of it but what opens it."""
    return {
        "recipient": share.recipient,
        "name": share.recipient_name,
        "email": share.recipient_email,
        "phone": share.recipient_phone,
        "purpose": share.purpose,
        "purpose_words": share.purpose_words,
        "studies": sorted({entry.study.study_instance_uid for entry in found}),
        "series": sorted(entry.series.series_instance_uid for entry in found if entry.series and not entry.instance),
        "instances": sorted(entry.instance.sop_instance_uid for entry in found if entry.instance),
        "download": share.may_download,
        "upload": share.may_upload,
        "report": share.with_report,
        "deidentified": share.is_deidentified,
        "factor": share.factor,
        "until": share.valid_until.isoformat(),
        "opens": share.most_opens,
        "state": share.state,
    }


def decide(share: Share, *, allow: bool, words: str, user: User, actor: Actor) -> Made | None:
    """Allow or refuse a share that waits; who made it cannot. Allowed, it is sent with a link made now. None when refused."""
    with transaction.atomic():
        held = Share.objects.select_for_update(of=("self",)).select_related("patient").get(pk=share.pk)
        if held.state != _State.WAITING or held.created_by_id == user.pk:
            raise NotShared([Problem("", "not_yours_to_allow")])
        held.decided_by, held.decided_at, held.version = user, timezone.now(), held.version + 1
        held.state = _state_if_allowed(held) if allow else _State.REFUSED
        held.ended_because = "" if allow else words[:300]
        held.save()
        log.note(held, _Kind.ALLOWED if allow else _Kind.REFUSED, person=user, words=words)
        detail = {"allowed": allow, "words": words}
        log.record(audit.Action.SHARE_DECIDED, held, actor=actor, detail=detail)
        notices.tell_owner(held, notices.DECIDED)
        if not allow:
            return None
        handed = _renewed(held)
        if held.deidentification is not None:
            copies.run(held.deidentification)
        elif held.recipient_email or held.recipient_phone:
            sending.send_link(held, handed.secret, handed.code, actor=actor)
    return Made(held, handed)


def _state_if_allowed(share: Share) -> str:
    return _State.PREPARING if share.is_deidentified else _State.OPEN


def open_prepared(share: Share, *, actor: Actor) -> None:
    """Open a share, locked by the caller, whose copies are ready, and send its link unless it was handed over."""
    share.state = _State.OPEN
    share.version += 1
    share.save(update_fields=["state", "version"])
    log.note(share, _Kind.PREPARED)
    notices.tell_owner(share, notices.PREPARED)
    if not share.is_handed_over and (share.recipient_email or share.recipient_phone):
        # What opens it was not kept, and could not be sent before it opens: another is made, but for what was handed over.
        handed = _renewed(share, keeps_proof=True)
        sending.send_link(share, handed.secret, handed.code, actor=actor)


def renew_link(share: Share, *, user: User, actor: Actor, sends: bool) -> Made:
    """Make a new link for the same share, for who lost the old one: the old one and its visits end. Raises ``NotShared``."""
    with transaction.atomic():
        held = _held(share)
        handed = _renewed(held)
        _end_visits(held)
        health_links.end(held)
        log.note(held, _Kind.CHANGED, person=user, words="link")
        log.record(audit.Action.SHARE_CHANGED, held, actor=actor, detail={"link": "new"})
        if sends:
            sending.send_link(held, handed.secret, handed.code, actor=actor)
    return Made(held, handed)


def _renewed(share: Share, *, keeps_proof: bool = False) -> Handed:
    handed = _new(share.factor)
    share.secret_digest = secrets.digest_of(handed.secret)
    share.code_digest = codes.printed_digest(handed.code)
    if not keeps_proof:
        share.proof_digest = codes.printed_digest(handed.proof) if handed.proof else ""
    share.version += 1
    share.save(update_fields=["secret_digest", "code_digest", "proof_digest", "version"])
    return handed


def revoke(share: Share, *, words: str, user: User, actor: Actor) -> bool:
    """End a share now, at every door, whatever is on its way. False when it had ended already."""
    with transaction.atomic():
        held = Share.objects.select_for_update(of=("self",)).select_related("patient").get(pk=share.pk)
        if held.is_over:
            return False
        held.state, held.ended_at, held.ended_by = _State.REVOKED, timezone.now(), user
        held.ended_because, held.version = words[:300], held.version + 1
        held.save()
        _end_visits(held, keeps=True)
        if held.deidentification_id:
            copies.stop(held.deidentification_id)
        log.note(held, _Kind.REVOKED, person=user, words=words)
        log.record(audit.Action.SHARE_REVOKED, held, actor=actor, detail={"words": words})
        if held.created_by_id != user.pk:
            notices.tell_owner(held, notices.REVOKED)
    return True


def change(
    share: Share,
    *,
    user: User,
    actor: Actor,
    valid_until: dt.datetime | None = None,
    most_opens: int | None = None,
    may_download: bool | None = None,
) -> Share:
    """Let a share last longer or shorter, be opened more often, be downloaded or not; within the department's rules.

    What it opens never changes: another share is made for that. Raises ``NotShared``.
    """
    with transaction.atomic():
        held = _held(share)
        rules = records.limits_of(held)
        before = (held.valid_until, held.most_opens, held.may_download)
        held.valid_until = records.latest_end(held, valid_until or held.valid_until)
        held.most_opens = most_opens or held.most_opens
        held.may_download = held.may_download if may_download is None else may_download
        problems = _against(held, before, rules)
        if held.created_by_id == user.pk and _widens_what_a_second_allows(held, before, rules):
            problems.append(Problem("", "second_person"))
        if problems:
            raise NotShared(problems)
        held.version += 1
        held.save()
        is_longer = held.valid_until > before[0] or held.most_opens > before[1]
        log.note(held, _Kind.EXTENDED if is_longer else _Kind.CHANGED, person=user)
        detail = {
            "until": held.valid_until.isoformat(),
            "opens": held.most_opens,
            "download": held.may_download,
            "was": {"until": before[0].isoformat(), "opens": before[1], "download": before[2]},
        }
        log.record(audit.Action.SHARE_CHANGED, held, actor=actor, detail=detail)
    return held


def _widens_what_a_second_allows(share: Share, before: tuple[dt.datetime, int, bool], rules: SharePolicy) -> bool:
    """Whether the new limits give more than before, of a share such as a second person has to allow."""
    needed = (
        rules.approval == SharePolicy.Approval.ALL
        or (rules.approval == SharePolicy.Approval.DOWNLOADS and share.may_download)
        or (rules.approval == SharePolicy.Approval.UNNAMED and share.recipient == Recipient.ANYONE)
    )
    return _is_wider(share, before) and needed


def _is_wider(share: Share, before: tuple[dt.datetime, int, bool]) -> bool:
    gives_download = share.may_download and not before[2]
    return share.valid_until > before[0] or share.most_opens > before[1] or gives_download


def _against(share: Share, before: tuple[dt.datetime, int, bool], rules: SharePolicy) -> list[Problem]:
    """What the rules of the department have against the new limits; what stays as it was is not asked again."""
    found = []
    now = timezone.now()
    if share.valid_until <= now:
        found.append(Problem("valid_until", "ends_before"))
    if not rules.is_allowed and _is_wider(share, before):
        found.append(Problem("", "not_allowed"))
    days = rules.most_days
    if share.valid_until > before[0] and share.valid_until > now + dt.timedelta(days=days, hours=24):
        found.append(Problem("valid_until", "too_long", {"days": days}))
    most = rules.most_opens
    if share.most_opens > before[1] and share.most_opens > max(most, share.opens + most):
        found.append(Problem("most_opens", "too_many_opens", {"most": max(most, share.opens + most)}))
    if share.may_download and not before[2] and not rules.may_download:
        found.append(Problem("may_download", "no_download"))
    return found


def _held(share: Share) -> Share:
    held: Share = Share.objects.select_for_update(of=("self",)).select_related("patient").get(pk=share.pk)
    if held.is_over:
        raise NotShared([Problem("", "has_ended")])
    return held


def _end_visits(share: Share, *, keeps: bool = False) -> None:
    """End the visits; those of a revoked share are kept, so that the open page can say what became of it."""
    if not keeps:
        ShareVisit.objects.filter(share=share, ended_at=None).update(ended_at=timezone.now())
