"""Making a link for a health wallet, and letting in who asks with it and its passcode."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.messaging import codes
from accounts.models import User
from imaging.sharing import log, notices, scopes, secrets
from imaging.sharing.entrance import services as entrance
from imaging.sharing.entrance.services import Opened, Refused
from imaging.sharing.health_link import keys, links, policies, selectors
from imaging.sharing.models import Share, ShareEvent, ShareHealthLink, ShareVisit

#: How long the token lasts with which a wallet fetches the images themselves.
_VISIT: Final = dt.timedelta(hours=4)
#: Wallets that are in at the same time: one that asks again puts out the one that asked first.
_MOST_VISITS: Final = 20


class Absent(Exception):
    """There is no such link, or not any more: which of both is not told."""


class WrongPasscode(Exception):
    """The passcode is wrong, or was not given. ``remaining``: how many wrong ones there may still be, ever."""

    def __init__(self, remaining: int) -> None:
        super().__init__(str(remaining))
        self.remaining = remaining


@dataclass(frozen=True, slots=True)
class Handed:
    """A link at the only moment when it is known: the ``shlink:/`` itself, the same behind our own page, and its passcode."""

    link: ShareHealthLink
    uri: str
    address: str
    passcode: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A wallet that is in: the visit, its token for DICOMweb, and the key that its files are encrypted with."""

    opened: Opened
    key: bytes


def make(share: Share, *, actor: Actor, user: User | None = None) -> Handed:
    """Make the health link of a share; the one before opens nothing any more. Raises ``Refused`` where there can be none."""
    token, passcode = secrets.new_secret(), codes.new_printed_code()
    key = keys.key_of(token)
    with transaction.atomic():
        held = Share.objects.select_for_update(of=("self",)).select_related("department__site").get(pk=share.pk)
        if not policies.is_offered(held):
            raise Refused("no_health_link")
        now = timezone.now()
        end(held)
        link = ShareHealthLink.objects.create(
            share=held,
            token_digest=secrets.digest_of(token),
            key_digest=keys.digest_of(key),
            passcode_digest=codes.printed_digest(passcode),
            label=_label(held),
            made_by=user,
            valid_until=held.valid_until,
        )
        log.note(held, ShareEvent.Kind.TOKEN_GIVEN, person=user, words="SMART Health Link")
        detail = {"as": "smart_health_link", "until": link.valid_until.isoformat()}
        log.record(audit.Action.SHARE_TOKEN_GIVEN, held, actor=actor, detail=detail)
    uri = links.link_of(
        url=f"{settings.PUBLIC_URL}/s/{held.key}/shl/{token}",
        key=key,
        until=link.valid_until,
        flags=links.flags_of(link.valid_until - now),
        label=link.label,
    )
    return Handed(link, uri, f"{settings.PUBLIC_URL}/s/{held.key}/shl#{uri}", passcode)


def end(share: Share) -> None:
    """End the health link of a share, and who came in by it, at once."""
    now = timezone.now()
    ShareHealthLink.objects.filter(share=share, ended_at=None).update(ended_at=now)
    ShareVisit.objects.filter(share=share, way=ShareVisit.Way.HEALTH_LINK, ended_at=None).update(ended_at=now)


def _label(share: Share) -> str:
    """What a wallet writes beside the link: from where, and nothing about whom."""
    with translation.override(share.language):
        text = _("Medical images from %(hospital)s") % {"hospital": share.department.site.name}
    return text[: links.MOST_OF_A_LABEL]


def enter(key: str, token: str, passcode: str, *, recipient: str, address: str) -> Entered:
    """Let a wallet in, which says who it is. Raises ``Absent``, ``WrongPasscode``, ``Refused`` (too often).

    A passcode that is not given uses up nothing; a wrong one counts for the share's whole life, with wrong codes of other kinds.
    """
    link, files_key = _proved(key, token, passcode, address=address)
    share = link.share
    bearer, now = secrets.new_secret(), timezone.now()
    with transaction.atomic():
        Share.objects.select_for_update(of=("self",)).get(pk=share.pk)
        _put_out_the_oldest(share)
        is_first = Share.objects.filter(pk=share.pk, first_opened_at=None).update(first_opened_at=now)
        Share.objects.filter(pk=share.pk).update(last_opened_at=now)
        visit = ShareVisit.objects.create(
            share=share,
            way=ShareVisit.Way.HEALTH_LINK,
            token_digest=secrets.digest_of(bearer),
            valid_until=min(share.valid_until, link.valid_until, now + _VISIT),
            address=address[:64],
            device=recipient[:80],
            proved_at=now,
        )
        log.note(share, ShareEvent.Kind.OPENED, visit=visit, words=recipient[:80])
        actor = scopes.actor_of(share, address=address)
        detail = {"way": visit.way, "recipient": visit.device}
        log.record(audit.Action.SHARE_OPENED, share, actor=actor, detail=detail)
        if is_first:
            notices.tell_owner(share, notices.FIRST_OPENED)
    return Entered(Opened(visit, bearer), files_key)


def enter_here(key: str, token: str, passcode: str, *, address: str, device: str) -> Opened:
    """Let a person in who opened a health link in a browser, with its passcode as their proof. It counts as an opening.

    Raises ``Refused`` as the link of the share itself would.
    """
    try:
        link, _key = _proved(key, token, passcode, address=address)
    except (Absent, WrongPasscode) as error:
        raise Refused("wrong") from error
    return entrance.begin_proved(link.share, address=address, device=device)


def _proved(key: str, token: str, passcode: str, *, address: str) -> tuple[ShareHealthLink, bytes]:
    entrance.slow_down(address)
    link = selectors.asked_for(key, token)
    files_key = keys.known_key(token, link.key_digest) if link is not None else None
    if link is None or files_key is None:
        raise Absent
    if not codes.is_printed_code(link.passcode_digest, passcode):
        share = entrance.count_wrong(link.share, address=address) if passcode else link.share
        raise WrongPasscode(max(0, share.most_wrong - share.wrong))
    return link, files_key


def _put_out_the_oldest(share: Share) -> None:
    live: Iterable[ShareVisit] = ShareVisit.objects.filter(
        share=share, way=ShareVisit.Way.HEALTH_LINK, ended_at=None, valid_until__gt=timezone.now()
    ).order_by("-begun_at", "-pk")[_MOST_VISITS - 1 :]
    ShareVisit.objects.filter(pk__in=[visit.pk for visit in live]).update(ended_at=timezone.now())
