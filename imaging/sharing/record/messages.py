"""What patients are written, and who acts for them: the link to the record, by mail or text message."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.messaging import kinds
from accounts.messaging.kinds import Channel, Form, MessageKind, Place

_LINK: Final = Place("link", _("the link"), "https://portal.hospital.example/s/4f7a…", form=Form.LINK)
_SENDER: Final = Place("sender", _("who gives the link"), "Dr Inès Caron")
_UNTIL: Final = Place("until", _("until when it can be opened"), _("20 December 2026"))

RECORD_BY_MAIL: Final = kinds.register(
    MessageKind(
        name="record.mail",
        channel=Channel.MAIL,
        label=_("Link to a patient's record, by e-mail"),
        places=(
            _LINK,
            _SENDER,
            _UNTIL,
            Place("recipient", _("for whom it is"), "Jeanne Durand"),
            Place("patient", _("whose images they are, masked where the rules say so"), "D. J."),
            Place("page", _("the address without the link's secret"), "https://portal.hospital.example/s/4f7a…/"),
            Place("code", _("the code that opens it without the link"), "7K3M-Q2XT-90VA", form=Form.CODE),
            Place("proof", _("what is asked besides"), _("A code will be sent to this address when you open it.")),
            Place("note", _("what the sender wrote"), _("As discussed on the telephone."), form=Form.WORDS),
        ),
        needs=frozenset({"link"}),
        subject=_("Your link to the imaging record at {site}"),
        body=_(
            "{sender}, {department}, {site}, gives you a link to the imaging record of {patient}.\n\n{note}\n\nIt shows the"
            " examinations, their reports and who looked at them, on a phone or computer, without an account:\n\n{link}\n\n"
            "{proof}\n\nIf the link does not work where you are, open {page} and type this code:\n\n{code}\n\nKeep this mail:"
            " the link works until {until}. It is for you alone. On its page you can close it at any moment."
        ),
    )
)
RECORD_BY_SMS: Final = kinds.register(
    MessageKind(
        name="record.sms",
        channel=Channel.SMS,
        label=_("Link to a patient's record, by text message"),
        places=(_LINK, _SENDER, _UNTIL),
        needs=frozenset({"link"}),
        body=_("{site}: your link to the imaging record: {link} Until {until}."),
    )
)
