"""Why a record does not answer, in words for who looks after it."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_WORDS: Final[dict[str, str | Promise]] = {
    "host_not_listed": gettext_lazy("its host is not among the outbound hosts"),
    "address_not_allowed": gettext_lazy("its address is private: write it into the row of the outbound host"),
    "not_https": gettext_lazy("it is not called by https"),
    "no_such_host": gettext_lazy("the name of its host is not known here"),
    "no_connection": gettext_lazy("it takes no connection from here"),
    "not_trusted": gettext_lazy("its certificate is not trusted"),
    "took_too_long": gettext_lazy("it took too long"),
    "redirected": gettext_lazy("it sends elsewhere, which is not followed"),
    "broken_answer": gettext_lazy("its answer broke off"),
    "token_refused": gettext_lazy("it gave no token: is the client registered there, with the portal's key?"),
    "token_unreadable": gettext_lazy("the fixed token cannot be read: type it again"),
    "no_token": gettext_lazy("it gave no token"),
    "no_token_address": gettext_lazy("it publishes no token address"),
    "bad_token": gettext_lazy("the token has letters that no header may have"),
    "status_401": gettext_lazy("it does not accept the token"),
    "status_403": gettext_lazy("the token may not read this"),
    "not_json": gettext_lazy("its answer is no JSON"),
    "not_fhir": gettext_lazy("its answer is no FHIR resource"),
}


def problem(code: str) -> str:
    """The reason in the reader's language."""
    found = _WORDS.get(code)
    return str(found) if found is not None else _("it answered what is not understood (%(code)s)") % {"code": code}
