"""Why nothing could be sent to a receiver, in a sentence for those who look after machines."""

from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

_PROBLEMS: Final = {
    "no_connection": _("Nobody listens there."),
    "no_such_host": _("There is no such host."),
    "address_not_allowed": _("The name leads to an address that is not listed under private addresses."),
    "not_trusted": _("Its certificate is not signed by the authority given here, or is for another name."),
    "no_tls": _("It does not speak TLS there."),
    "own_certificate_unreadable": _("Our own certificate is missing or cannot be read."),
    "connection_lost": _("The connection broke off; what was sent then is sent again."),
    "took_too_long": _("It did not answer in time."),
    "other_answer": _(
        "It acknowledged another message in place of this one: it may need a connection for each message."
    ),
    "broken_answer": _("It answered with something that is no acknowledgement."),
    "asked_to_wait": _("It asked to be told later (AR)."),
}


def problem(code: str) -> str:
    """The sentence of a code; empty for none."""
    return str(_PROBLEMS.get(code) or gettext("The connection failed: %(code)s") % {"code": code}) if code else ""
