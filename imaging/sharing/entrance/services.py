"""Opening a share and proving who opens it. Nothing is opened by looking: a program that follows links uses up nothing.

Wrong links and codes are counted for the whole life of a share; past its limit it is dead, and its owner is told.
"""

import datetime as dt
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit, throttling
from accounts.actor import Actor
from accounts.messaging import codes
from imaging.sharing import log, notices, scopes, secrets, selectors
from imaging.sharing.entrance import sending
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.sharing.record import selectors as records

#: How long a browser stays in without opening the link again.
_VISIT: Final = dt.timedelta(hours=12)
#: Tries of one address in a minute, whatever the share.
_TRIES_A_MINUTE: Final = 20
#: Codes that are sent for one share in its life, and the pause between two of a visit.
_MOST_CODES: Final = 30
PAUSE: Final = dt.timedelta(seconds=60)
_TRIES_OF_A_CODE: Final = 5
#: How long another archive may fetch with one token, and how many there are at a time.
TOKEN_LASTS: Final = dt.timedelta(hours=4)
_MOST_TOKENS: Final = 5

_Kind = ShareEvent.Kind
#: Something that a visit does before it is in.
Act = Callable[[ShareVisit], None]


class Refused(Exception):
    """It was not opened. ``why`` is a word that the page has a sentence for."""

    def __init__(self, why: str, *, wait: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Opened:
    """A visit that has begun, and the token that the browser keeps."""

    visit: ShareVisit
    token: str


def open_share(key: str, *, secret: str = "", code: str = "", address: str, device: str) -> Opened:
    """Exchange the secret of a link, or the code that stands for it, for a visit. Raises ``Refused``.

    The same answer for a share that does not exist and for a wrong secret; only who proves the link hears what became of it.
    """
    slow_down(address)
    share = selectors.share_named(key)
    way = ShareVisit.Way.LINK if secret else ShareVisit.Way.CODE
    if secret:
        is_right = secrets.is_proved(share.secret_digest if share else None, secret)
    else:
        is_right = codes.is_printed_code(share.code_digest if share else "", code)
    if share is None:
        raise Refused("wrong")
    if not is_right:
        count_wrong(share, address=address)
        raise Refused("wrong")
    _refuse_closed(share)
    return _begin(share, way, address=address, device=device)


def slow_down(address: str) -> None:
    """Count one try of an address. Raises ``Refused`` when there were too many in a minute."""
    stranger = Actor(kind="share", id=address, name="", address=address)
    allowance = throttling.spend(stranger, "share:open", limit=_TRIES_A_MINUTE)
    if allowance is not None and allowance.wait:
        raise Refused("too_fast", wait=allowance.wait)


def _refuse_closed(share: Share) -> None:
    if share.state == Share.State.OPEN and timezone.now() < share.valid_from:
        raise Refused("early")
    if not scopes.stands(share):
        raise Refused(ended_word(share))


def ended_word(share: Share) -> str:
    """Return the word for why a share opens nothing: each has a sentence."""
    if share.state == Share.State.REVOKED and records.is_record(share):
        return "record_ended"
    if share.state != Share.State.OPEN:
        return str(share.state)
    return "of_age" if records.has_come_of_age(share) else "expired"


def begin_proved(share: Share, *, address: str, device: str) -> Opened:
    """Begin a visit of somebody who has given a proof as good as the second one already. Raises ``Refused``."""
    _refuse_closed(share)
    return _begin(share, ShareVisit.Way.LINK, address=address, device=device, is_proved=True)


def _begin(share: Share, way: ShareVisit.Way, *, address: str, device: str, is_proved: bool = False) -> Opened:
    token, now = secrets.new_secret(), timezone.now()
    with transaction.atomic():
        room = Share.objects.standing().filter(pk=share.pk, opens__lt=F("most_opens"))
        if not room.update(opens=F("opens") + 1, last_opened_at=now):
            is_full = Share.objects.standing().filter(pk=share.pk).exists()
            visit = None
        else:
            is_full = False
            is_first = Share.objects.filter(pk=share.pk, first_opened_at=None).update(first_opened_at=now)
            visit = ShareVisit.objects.create(
                share=share,
                way=way,
                token_digest=secrets.digest_of(token),
                valid_until=min(share.valid_until, now + _VISIT),
                address=address[:64],
                device=device[:80],
                proved_at=now if is_proved or share.factor == Factor.NONE else None,
            )
            log.note(share, _Kind.OPENED, visit=visit)
            actor = scopes.actor_of(share, address=address)
            log.record(audit.Action.SHARE_OPENED, share, actor=actor, detail={"way": way, "device": device})
            if is_first:
                notices.tell_owner(share, notices.FIRST_OPENED)
    if visit is None:
        if is_full:
            _note_full(share, address)
            notices.tell_owner(share, notices.FULL)
        raise Refused("full" if is_full else "wrong")
    if visit.proved_at is None and share.factor in {Factor.EMAIL, Factor.SMS}:
        send_code(visit)
    return Opened(visit, token)


def _note_full(share: Share, address: str) -> None:
    """Note that it was tried once more from an address: counted up, so that who goes on trying fills no list."""
    same = ShareEvent.objects.filter(share=share, kind=_Kind.FULL, words=address)
    if not same.update(times=F("times") + 1, at=timezone.now()):
        log.note(share, _Kind.FULL, words=address)


def send_code(visit: ShareVisit) -> None:
    """Send a new code for a visit; the last one is none any more. Raises ``Refused`` when there were too many."""
    now = timezone.now()
    with transaction.atomic():
        held = ShareVisit.objects.select_for_update(of=("self",)).select_related("share").get(pk=visit.pk)
        if held.code_sent_at is not None and now - held.code_sent_at < PAUSE:
            raise Refused("code_just_sent", wait=int((PAUSE - (now - held.code_sent_at)).total_seconds()) + 1)
        # A standing link is opened for years: a code each time, and as many again as for any other.
        most = F("most_opens") + _MOST_CODES if records.is_record(held.share) else _MOST_CODES
        room = Share.objects.filter(pk=held.share_id, codes_sent__lt=most)
        if not room.update(codes_sent=F("codes_sent") + 1):
            raise Refused("codes_used_up")
        code = codes.new_code()
        held.code_digest, held.code_until, held.code_tries, held.code_sent_at = code.digest, code.expires_at, 0, now
        held.save(update_fields=["code_digest", "code_until", "code_tries", "code_sent_at"])
        sending.send_code(held.share, code)
        log.note(held.share, _Kind.CODE_SENT, visit=held)


def prove(visit: ShareVisit, answer: str, *, address: str) -> None:
    """Take the second proof of a visit. Raises ``Refused``: the wrong one counts for the share's whole life."""
    slow_down(address)
    share = visit.share
    _refuse_closed(share)
    if visit.proved_at is not None:
        return
    if share.factor in {Factor.EMAIL, Factor.SMS}:
        _refuse_used_up(visit)
    if not _is_right(visit, answer):
        count_wrong(share, address=address, visit=visit)
        raise Refused("wrong_proof")
    with transaction.atomic():
        ShareVisit.objects.filter(pk=visit.pk).update(proved_at=timezone.now(), code_digest="", code_until=None)
        log.note(share, _Kind.PROVED, visit=visit)
        actor = scopes.actor_of(share, address=address)
        log.record(audit.Action.SHARE_PROVED, share, actor=actor, detail={"factor": share.factor})


def _refuse_used_up(visit: ShareVisit) -> None:
    """A sent code is tried a few times, then another is to be sent."""
    if visit.code_until is None or timezone.now() >= visit.code_until:
        raise Refused("code_old")
    tried = ShareVisit.objects.filter(pk=visit.pk, code_tries__lt=_TRIES_OF_A_CODE)
    if not tried.update(code_tries=F("code_tries") + 1):
        raise Refused("code_tried")


def _is_right(visit: ShareVisit, answer: str) -> bool:
    share = visit.share
    if share.factor in {Factor.EMAIL, Factor.SMS}:
        return codes.matches(visit.code_digest, answer)
    if share.factor == Factor.PRINTED:
        return codes.is_printed_code(share.proof_digest, answer)
    if share.factor == Factor.BIRTH_DATE and share.patient is not None and share.patient.birth_date is not None:
        # As bytes: strings are compared in constant time only where both are ASCII.
        return hmac.compare_digest(share.patient.birth_date.isoformat().encode(), answer.strip()[:10].encode())
    return False


def count_wrong(share: Share, *, address: str, visit: ShareVisit | None = None) -> Share:
    """Count a wrong link, code or proof; the last one that is allowed locks the share for good. Returns the share since."""
    with transaction.atomic():
        held: Share = (
            Share.objects.select_for_update(of=("self",)).select_related("patient", "created_by").get(pk=share.pk)
        )
        if held.is_over:
            return held
        held.wrong += 1
        log.note(held, _Kind.WRONG, visit=visit, words=address)
        actor = scopes.actor_of(held, address=address)
        detail = {"wrong": held.wrong, "most": held.most_wrong}
        log.record(audit.Action.SHARE_REFUSED, held, actor=actor, outcome=audit.Outcome.REFUSED, detail=detail)
        if held.wrong >= held.most_wrong:
            held.state, held.ended_at, held.version = Share.State.LOCKED, timezone.now(), held.version + 1
            log.note(held, _Kind.LOCKED)
            notices.tell_owner(held, notices.LOCKED)
        elif held.wrong == 1 or held.wrong * 2 == held.most_wrong:
            notices.tell_owner(held, notices.WRONG)
        held.save(update_fields=["wrong", "state", "ended_at", "version"])
    return held


def give_token(visit: ShareVisit, *, address: str) -> Opened:
    """Give who is in a token for another archive: DICOMweb of this share alone, for a few hours, not beyond the share.

    It is a visit of its own: it is listed, and ended, like any other. Raises ``Refused`` when there are too many.
    """
    share = visit.share
    _refuse_closed(share)
    now = timezone.now()
    live = ShareVisit.objects.filter(share=share, way=ShareVisit.Way.TOKEN, ended_at=None, valid_until__gt=now)
    with transaction.atomic():
        Share.objects.select_for_update(of=("self",)).get(pk=share.pk)
        if live.count() >= _MOST_TOKENS:
            raise Refused("tokens_used_up")
        token = secrets.new_secret()
        given = ShareVisit.objects.create(
            share=share,
            way=ShareVisit.Way.TOKEN,
            token_digest=secrets.digest_of(token),
            valid_until=min(share.valid_until, now + TOKEN_LASTS),
            address=address[:64],
            device=visit.device,
            proved_at=now,
        )
        log.note(share, _Kind.TOKEN_GIVEN, visit=given)
        actor = scopes.actor_of(share, address=address)
        detail = {"until": given.valid_until.isoformat()}
        log.record(audit.Action.SHARE_TOKEN_GIVEN, share, actor=actor, detail=detail)
    return Opened(given, token)


def leave(visit: ShareVisit) -> None:
    """End a visit: the browser is out at once, and opening again counts."""
    ShareVisit.objects.filter(pk=visit.pk, ended_at=None).update(ended_at=timezone.now())
