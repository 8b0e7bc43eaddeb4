"""What a recipient is told when a share does not open: what happened, and what to do next."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Said(NamedTuple):
    """A title, what to do, and the status of the answer. ``is_final`` when no second try can help."""

    title: str | Promise
    text: str | Promise
    status: int = 403
    is_final: bool = False


REFUSALS: Final[Mapping[str, Said]] = MappingProxyType(
    {
        "wrong": Said(
            _("This link or code does not open anything"),
            _(
                "Check that the whole link was copied, or type the code again. After too many tries it stops working for good."
            ),
        ),
        "wrong_proof": Said(
            _("That is not right"),
            _("Try again. After too many wrong tries this link stops working for good."),
        ),
        "too_fast": Said(_("That was too often"), _("Wait a minute, then try again. Nothing was used up."), 429),
        "early": Said(
            _("This link does not open yet"),
            _("Its time has not come. Try again on the day that you were told."),
            403,
            True,
        ),
        "expired": Said(
            _("This link has ended"),
            _("Its time is over. Ask the person who shared the images with you for a new link."),
            410,
            True,
        ),
        "revoked": Said(
            _("This link was revoked"),
            _("The person who shared the images has ended it. Ask them if you still need the images."),
            410,
            True,
        ),
        "record_ended": Said(
            _("This link was closed"),
            _("The patient or the hospital has ended it. Ask the hospital for a new one if you still need it."),
            410,
            True,
        ),
        "of_age": Said(
            _("This link has ended: the patient is of age now"),
            _(
                "Parents see a child's record until the child comes of age. From now on the record is the patient's own: they"
                " can ask the hospital for a link, and wish that you have one too."
            ),
            410,
            True,
        ),
        "locked": Said(
            _("This link is locked"),
            _("Too many wrong codes were given. Ask the person who shared the images with you for a new link."),
            410,
            True,
        ),
        "waiting": Said(
            _("This link does not open yet"),
            _("A second person at the hospital has to agree first. Try again later."),
            403,
            True,
        ),
        "preparing": Said(
            _("The images are being prepared"),
            _("This takes a few minutes. Try again then; the link stays the same."),
            403,
            True,
        ),
        "refused": Said(
            _("This link does not open"),
            _("The hospital did not agree to share these images. Ask the person who wrote to you."),
            410,
            True,
        ),
        "full": Said(
            _("This link was opened as often as it may be"),
            _("Use the device on which you opened it before, or ask the person who shared the images to allow more."),
            403,
            True,
        ),
        "code_old": Said(_("This code has ended"), _("Codes are good for ten minutes. Have a new one sent.")),
        "code_tried": Said(_("This code was tried too often"), _("Have a new one sent.")),
        "code_just_sent": Said(
            _("A code was sent a moment ago"), _("Wait a minute before you have another one sent."), 429
        ),
        "tokens_used_up": Said(
            _("There are tokens enough for these images"),
            _("Use one of those that were given, or wait until one of them has ended: each is good for four hours."),
            429,
        ),
        "no_health_link": Said(
            _("There can be no link for a health wallet"),
            _(
                "It needs a share that is open, that may be downloaded, that shows whose images they are, and that asks for a"
                " code. Nothing was made."
            ),
            403,
            True,
        ),
        "codes_used_up": Said(
            _("No more codes can be sent for this link"),
            _("Ask the person who shared the images with you for a new link."),
            403,
            True,
        ),
    }
)
