"""What recipients are written: the link, by mail or text message. A hospital may have texts of its own (`accounts.messaging`)."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.messaging import kinds
from accounts.messaging.kinds import Channel, Form, MessageKind, Place

_LINK: Final = Place("link", _("the link"), "https://portal.hospital.example/s/4f7a…", form=Form.LINK)
_SENDER: Final = Place("sender", _("who shares"), "Dr Inès Caron")
_UNTIL: Final = Place("until", _("until when it can be opened"), _("20 December 2026"))

LINK_BY_MAIL: Final = kinds.register(
    MessageKind(
        name="share.mail",
        channel=Channel.MAIL,
        label=_("Link to shared images, by e-mail"),
        places=(
            _LINK,
            _SENDER,
            _UNTIL,
            Place("recipient", _("for whom it is"), "Dr Paul Mercier"),
            Place("patient", _("whose images they are, masked where the rules say so"), "D. J."),
            Place("page", _("the address without the link's secret"), "https://portal.hospital.example/s/4f7a…/"),
            Place("code", _("the code that opens it without the link"), "7K3M-Q2XT-90VA", form=Form.CODE),
            Place("proof", _("what is asked besides"), _("A code will be sent to this address when you open it.")),
            Place("note", _("what the sender wrote"), _("As discussed on the telephone."), form=Form.WORDS),
        ),
        needs=frozenset({"link"}),
        subject=_("{sender} shared medical images with you"),
        body=_(
            "{sender}, {department}, {site}, shares medical images of {patient} with you.\n\n{note}\n\nOpen them on a phone"
            " or computer, without an account:\n\n{link}\n\n{proof}\n\nIf the link does not work where you are, open {page}"
            " and type this code:\n\n{code}\n\nThe images can be opened until {until}. Do not pass this mail on: every"
            " opening is on record."
        ),
    )
)
LINK_BY_SMS: Final = kinds.register(
    MessageKind(
        name="share.sms",
        channel=Channel.SMS,
        label=_("Link to shared images, by text message"),
        places=(_LINK, _SENDER, _UNTIL),
        needs=frozenset({"link"}),
        body=_("{sender}, {site}, shares medical images with you: {link} Until {until}."),
    )
)
