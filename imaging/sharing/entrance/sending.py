"""Links and codes on their way to whom they are for, in their language. A mail names a patient as the rules allow."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.actor import Actor
from accounts.messaging import codes, notices
from accounts.messaging import services as messaging
from accounts.messaging.kinds import MessageKind
from imaging import queues
from imaging.dicom import person_name
from imaging.sharing import log, selectors
from imaging.sharing.entrance import messages
from imaging.sharing.models import Share, ShareEvent
from imaging.sharing.models.choices import Factor
from imaging.sharing.record import messages as record_messages

#: What a text message has room for.
_SHORT: Final = ("link", "sender", "until")
#: How a link is written, by mail and by text message.
_KINDS: Final[Mapping[str, tuple[MessageKind, MessageKind]]] = MappingProxyType(
    {
        Share.Kind.IMAGES: (messages.LINK_BY_MAIL, messages.LINK_BY_SMS),
        Share.Kind.RECORD: (record_messages.RECORD_BY_MAIL, record_messages.RECORD_BY_SMS),
    }
)
_PROOFS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        Factor.EMAIL: _("A code will be sent to this address when you open it."),
        Factor.SMS: _("A code will be sent to your mobile telephone when you open it."),
        Factor.PRINTED: _("You will be asked for the second code, which reaches you by another way."),
        Factor.BIRTH_DATE: _("You will be asked for the patient's date of birth."),
    }
)


def link_of(share: Share, secret: str) -> str:
    """Return the whole link, with the secret where a browser keeps it to itself."""
    return f"{settings.PUBLIC_URL}/s/{share.key}/#{secret}"


def send_link(share: Share, secret: str, code: str, *, actor: Actor) -> None:
    """Owe the link to its recipient: by mail where there is an address, by text message otherwise.

    Inside the transaction that made the link. Raises ``ValidationError``, in words, for an address that is none.
    """
    with translation.override(share.language):
        values = _told(share, secret, code)
        by_mail, by_text = _KINDS[share.kind]
        if share.recipient_email:
            _owe(share, by_mail, share.recipient_email, values)
        else:
            _owe(share, by_text, share.recipient_phone, {name: values[name] for name in _SHORT})
    log.note(share, ShareEvent.Kind.SENT)
    to = share.recipient_email or share.recipient_phone
    log.record(audit.Action.SHARE_SENT, share, actor=actor, detail={"to": to})


def send_code(share: Share, code: codes.Code) -> None:
    """Owe a code that was asked for, and hurry."""
    is_text = share.factor == Factor.SMS
    kind = notices.CODE_BY_SMS if is_text else notices.CODE_BY_MAIL
    minutes = int(codes.GOOD_FOR.total_seconds() // 60)
    messaging.owe(
        kind,
        to=share.recipient_phone if is_text else share.recipient_email,
        language=share.language,
        values={"code": code.plain, "minutes": str(minutes)},
        department=share.department,
        about=("share", share.key),
        good_until=code.expires_at,
    )
    _hurry()


def _owe(share: Share, kind: MessageKind, to: str, values: Mapping[str, str]) -> None:
    messaging.owe(
        kind,
        to=to,
        language=share.language,
        values=values,
        department=share.department,
        about=("share", share.key),
        good_until=share.valid_until,
    )
    _hurry()


def _hurry() -> None:
    transaction.on_commit(lambda: queues.hurry(queues.SEND_MESSAGES))


def _told(share: Share, secret: str, code: str) -> dict[str, str]:
    return {
        "link": link_of(share, secret),
        "page": f"{settings.PUBLIC_URL}/s/{share.key}/",
        "code": code,
        "sender": share.created_by.label,
        "recipient": share.recipient_name,
        "patient": _patient(share),
        "until": date_format(timezone.localtime(share.valid_until), "DATE_FORMAT"),
        "proof": str(_PROOFS.get(share.factor, "")),
        "note": share.note,
    }


def _patient(share: Share) -> str:
    if share.patient is None or share.is_deidentified:
        return gettext("a patient who is not named")
    if selectors.policy_of(share.department_id).masks_names:
        return person_name.masked(share.patient.patient_name) or "•••"
    return person_name.display(share.patient.patient_name)
