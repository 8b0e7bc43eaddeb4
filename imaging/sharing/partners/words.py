"""Why a push, or one object of it, did not go: one sentence for each reason, with what to do next."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_UNREACHABLE: Final = gettext_lazy(
    "The partner cannot be reached. Its administrators, or those of the network, can say why."
)
_WITH_SETTINGS: Final = gettext_lazy("Tell your administrator, then try again: what had arrived is not sent twice.")

#: Of a push as a whole.
PROBLEMS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        **dict.fromkeys(("no_such_host", "no_connection", "took_too_long", "connection_lost"), _UNREACHABLE),
        "broken_answer": gettext_lazy("The partner broke off, or gave an answer that nobody understands."),
        "busy": gettext_lazy("The partner is busy and takes no connection now."),
        "partner_busy": gettext_lazy("The partner is busy, or under maintenance."),
        "partner_full": gettext_lazy("The partner has no room for further images now."),
        "partner_error": gettext_lazy("The partner’s server failed. Its administrators find why in its log."),
        "credentials_refused": gettext_lazy("The partner refuses our credentials: they are wrong, or have ended."),
        "not_authorised": gettext_lazy("The partner says that we may not store there."),
        "no_secret": gettext_lazy("The secret for this partner is missing or cannot be read any more."),
        "no_service_there": gettext_lazy("There is no DICOMweb store service at the partner’s address."),
        "odd_answer": gettext_lazy("Something answers at this address, but not as a DICOMweb server does."),
        "not_trusted": gettext_lazy("The partner’s certificate is not signed by an authority that is trusted here."),
        "no_tls": gettext_lazy(
            "No TLS connection came about: the partner speaks none, or its certificate is not trusted here."
        ),
        "redirected": gettext_lazy("The partner’s address leads elsewhere, and that is not followed."),
        "host_not_listed": gettext_lazy("The partner’s host is not among the outbound hosts."),
        "not_https": gettext_lazy("The partner’s address is not https."),
        "not_an_address": gettext_lazy("The partner’s address is none that can be called."),
        "address_not_allowed": gettext_lazy("The partner’s name leads to an address that may not be called."),
        "our_title_unknown": gettext_lazy("The partner does not know our AE title."),
        "its_title_unknown": gettext_lazy("A device answers there, but by another AE title."),
        "rejected": gettext_lazy("The partner refuses the connection. Its own log says why."),
        "no_dicom": gettext_lazy("Something listens at the partner’s port, but it does not speak DICOM, or not so."),
        "wrong_answer": gettext_lazy("The partner took the connection and then did not answer. Its own log says why."),
        "not_configured": gettext_lazy("The partner has no application entity with a host and a port."),
        "some_refused": gettext_lazy("The partner did not take every object. Which ones, and why, is told below."),
        "nothing_left": gettext_lazy("When it began, nothing of it was left to be sent."),
        "withdrawn": gettext_lazy(
            "The images may not be passed on any more: they were moved, protected or corrected since, or the patient"
            " opposed it."
        ),
        "partner_closed": gettext_lazy("The partner was switched off, or your department may not send to it any more."),
        "unexpected": gettext_lazy(
            "Something went wrong here. Your administrator finds it under “Work in the background”."
        ),
    }
)

#: What an administrator has to put right first.
_SETTINGS: Final = frozenset(
    {
        *("credentials_refused", "not_authorised", "no_secret", "no_service_there", "not_trusted", "redirected"),
        *("host_not_listed", "not_https", "not_an_address", "address_not_allowed", "our_title_unknown"),
        *("its_title_unknown", "rejected", "no_dicom", "no_tls", "not_configured"),
    }
)

#: Of one object.
OBJECTS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "class_not_taken": gettext_lazy("The partner does not take this kind of object."),
        "syntax_not_taken": gettext_lazy("The partner does not take this compression."),
        "form_not_taken": gettext_lazy("The partner does not take this kind of object, or not in this compression."),
        "syntax_not_listed": gettext_lazy("This compression is not among those that the partner takes."),
        "unlike_its_class": gettext_lazy("The partner finds that the object is not as its kind has to be."),
        "not_understood": gettext_lazy("The partner does not understand the object."),
        "processing_failed": gettext_lazy("The partner could not process the object."),
        "known_otherwise": gettext_lazy("The partner has another object of this UID."),
        "too_large": gettext_lazy("The object is larger than the partner takes."),
        "taken_partly": gettext_lazy("Taken; some of its attributes were left out or changed."),
        "coerced": gettext_lazy("Taken; some of its attributes were changed."),
        "unreadable_here": gettext_lazy("The stored object cannot be read here. Your administrator is to look at it."),
        "withdrawn_here": gettext_lazy("The object was rejected or withdrawn here meanwhile."),
    }
)


def problem_in_words(problem: str) -> str:
    """Return why a push stands still or ended; empty without a reason."""
    if not problem:
        return ""
    said = str(PROBLEMS.get(problem, PROBLEMS["unexpected"]))
    return f"{said} {_WITH_SETTINGS}" if problem in _SETTINGS else said


def of_object(problem: str) -> str:
    """Return what happened to one object."""
    return str(OBJECTS.get(problem) or PROBLEMS.get(problem) or _("The partner refused the object."))


def test_in_words(problem: str) -> str:
    """Return what a test of the connection found, for an administrator."""
    return str(PROBLEMS.get(problem, PROBLEMS["unexpected"]))
