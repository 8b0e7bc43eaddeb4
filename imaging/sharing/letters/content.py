"""What stands on the letter of a share, in the recipient's language and in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.dicom import person_name
from imaging.sharing.entrance import sending
from imaging.sharing.making.services import Handed
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor, Recipient
from imaging.sharing.record.selectors import is_record

_PROOFS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        Factor.EMAIL: gettext_lazy("A code is then sent to your e-mail address. Type it in."),
        Factor.SMS: gettext_lazy("A code is then sent to your mobile telephone. Type it in."),
        Factor.PRINTED: gettext_lazy("Then type the second code, which reaches you by another way."),
        Factor.BIRTH_DATE: gettext_lazy("Then type the patient's date of birth."),
    }
)


@dataclass(frozen=True, slots=True)
class Letter:
    """The words of a letter, ready to be set. ``link`` becomes the QR code; ``proof`` has a page of its own, or is empty."""

    language: str
    site: str
    sender: str
    department: str
    recipient: str
    day: str
    title: str
    greeting: str
    steps: tuple[str, ...]
    link: str
    link_label: str
    address: str
    address_label: str
    code: str
    code_label: str
    advice: tuple[str, ...]
    proof: str
    proof_title: str
    proof_words: str


def letter(share: Share, handed: Handed) -> Letter:
    """Return the letter of a link that was just made: what opens it is in no row, and so in no letter made later."""
    with translation.override(share.language):
        until = date_format(timezone.localtime(share.valid_until), "DATE_FORMAT")
        names = {"sender": share.created_by.label, "patient": _patient(share), "until": until}
        return Letter(
            language=share.language,
            site=share.department.site.name,
            sender=share.created_by.label,
            department=share.department.label,
            recipient=share.recipient_name,
            day=date_format(timezone.localdate(), "DATE_FORMAT"),
            title=_("Your link to the imaging record") if is_record(share) else _("Medical images for you"),
            greeting=_greeting(share) % names,
            steps=tuple(_steps(share)),
            link=sending.link_of(share, handed.secret),
            link_label=_("QR code that opens the images"),
            address=f"{settings.PUBLIC_URL}/s/{share.key}/",
            address_label=_("Address"),
            code=handed.code,
            code_label=_("Code"),
            advice=(
                *_record_advice(share, names),
                _(
                    "Whoever has this letter can try to open them: keep it as you keep a key. Every opening is on record."
                ),
                _("A question about the result? Call your doctor."),
            ),
            proof=handed.proof,
            proof_title=_("Second code: hand over separately"),
            proof_words=_(
                "Give this page by another way than the letter, or tell the code. Never put both in one envelope."
            ),
        )


def _record_advice(share: Share, names: Mapping[str, str]) -> tuple[str, ...]:
    if not is_record(share):
        return (_("The images can be opened until %(until)s.") % names,)
    return (
        _("The link works until %(until)s: keep this letter. New examinations show by themselves.") % names,
        _("On its page you can close the link at any moment, and see who looked at the record."),
    )


def _greeting(share: Share) -> str:
    if is_record(share):
        return _("This is the link to the imaging record of %(patient)s at our hospital. You need no account.")
    if share.recipient == Recipient.PATIENT and not share.is_deidentified:
        return _("%(sender)s shares the medical images of %(patient)s with you. You need no account.")
    if share.patient is None or share.is_deidentified:
        return _("%(sender)s shares medical images with you. You need no account.")
    return _("%(sender)s shares medical images of %(patient)s with you. You need no account.")


def _patient(share: Share) -> str:
    """Whole for the patient alone; initials for everybody else, because envelopes are opened by others too."""
    if share.patient is None or share.is_deidentified:
        return ""
    name = share.patient.patient_name
    return person_name.display(name) if share.recipient == Recipient.PATIENT else person_name.masked(name) or "•••"


def _steps(share: Share) -> list[str]:
    steps = [
        _("Point the camera of your telephone at the square and open the page. Press “Open the images”."),
        _("Or type the address below on any computer, and then the code."),
    ]
    proof = _PROOFS.get(share.factor)
    return [*steps, str(proof)] if proof else steps
