"""The messages that belong to no feature: a code to prove who one is, by mail or text message."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.messaging import kinds
from accounts.messaging.kinds import Channel, Form, MessageKind, Place

_CODE: Final = (
    Place("code", _("the code"), "048 213", form=Form.CODE),
    Place("minutes", _("for how many minutes it is good"), "10"),
)

CODE_BY_MAIL: Final = kinds.register(
    MessageKind(
        name="code.mail",
        channel=Channel.MAIL,
        label=_("Code to prove who one is, by e-mail"),
        places=_CODE,
        needs=frozenset({"code"}),
        subject=_("Your code for {department}"),
        body=_(
            "Here is the code that you asked for:\n\n{code}\n\nIt is good for {minutes} minutes. Nobody of the hospital"
            " will ask you for it.\n\nIf you did not ask for a code, somebody else may have your link: do not pass the"
            " code on, and tell whoever sent you the link."
        ),
    )
)
CODE_BY_SMS: Final = kinds.register(
    MessageKind(
        name="code.sms",
        channel=Channel.SMS,
        label=_("Code to prove who one is, by text message"),
        places=_CODE,
        needs=frozenset({"code"}),
        body=_("{code} is your code for {site}, good for {minutes} minutes. Do not pass it on."),
    )
)
