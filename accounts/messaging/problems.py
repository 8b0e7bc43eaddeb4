"""Why a message has not left, in words: a few short codes that are kept, and what each tells a person."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WORDS: Final[dict[str, Promise]] = {
    "server_away": _("The mail server does not answer. The message waits until it does."),
    "server_closed": _("The mail server does not let the portal in. The message waits until it does."),
    "refused": _("The mail server refused the message."),
    "no_such_address": _("The mail server says that it cannot deliver to this address. Check how it is written."),
    "took_too_long": _("No answer came in time."),
    "not_sent": _("The message could not be handed over."),
    "expired": _("It could not be sent while it was still of use. Send it again."),
    "unreadable": _("The server's key was changed before the message left: it can no longer be read. Send it again."),
    "withdrawn": _("It was withdrawn before it left."),
    "no_gateway": _("No gateway for text messages is set up. An administrator can set one up in the administration."),
    "gateway_refused": _("The gateway for text messages refused the message."),
    "gateway_unsure": _("The gateway for text messages answered with something else than was expected."),
    "bad_settings": _(
        "The settings of the gateway for text messages cannot be used. An administrator must look at them."
    ),
    "not_written": _("The file for text messages cannot be written."),
    # Codes of accounts/outbound.
    "not_an_address": _("The address of the gateway is not one that can be called."),
    "not_https": _("The gateway must be called by https."),
    "host_not_listed": _("The gateway's host is not among the outbound hosts."),
    "address_not_allowed": _("The gateway's name leads to an address that may not be called."),
    "no_such_host": _("The gateway's host is not found. The message waits."),
    "no_connection": _("The gateway for text messages does not answer. The message waits."),
    "not_trusted": _("The gateway's certificate is not trusted."),
    "broken_answer": _("The gateway for text messages answered with something that cannot be read."),
    "redirected": _("The gateway sent us to another address, which is not followed."),
}


def in_words(code: str) -> str:
    """Say what a code means, in the active language; nothing for no code."""
    return str(_WORDS.get(code, _WORDS["not_sent"])) if code else ""
