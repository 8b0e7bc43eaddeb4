"""Why something is not shared as it was wished: one sentence for each reason, at the field that it is about."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.sharing.making.policies import Problem

_SAID: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "not_allowed": _("Your department shares no images by link. Ask its managers if somebody needs them outside."),
        "not_your_role": _("Your role in this department does not share by link. Ask a colleague who may."),
        "not_with_them": _("Your department does not share with them by link."),
        "no_download": _("Your department gives no downloads."),
        "no_upload": _("Your department takes no images back by link."),
        "report_names_patient": _("The report names the patient: it cannot go along without identity."),
        "patient_without_identity": _("A patient gets their own images, with their identity."),
        "ends_before": _("The end must lie ahead."),
        "too_long": _("Your department shares for %(days)s days at the most."),
        "too_many_opens": _("Between 1 and %(most)s openings."),
        "proof_needed": _("Your department asks everybody outside for a second proof."),
        "not_that_proof": _("Your department does not offer this proof."),
        "email_needed": _("Give the e-mail address to which the code is sent."),
        "phone_needed": _("Give the mobile number to which the code is sent."),
        "nowhere_to_send": _("Give an e-mail address or a mobile number, or choose to hand the link over yourself."),
        "birth_date_is_identity": _("Without identity the date of birth cannot be asked."),
        "no_birth_date": _("The patient's date of birth is not known here: choose another proof."),
        "prior_not_yours": _("One of the earlier studies cannot be shared by your department."),
        "nothing_chosen": _("Nothing is left to be shared: choose the whole study, or at least one series."),
        "second_person": _("A second person agrees to such shares: ask them to widen it, or share anew."),
        "not_your_partner": _("Your department does not send to this archive any more. Choose another."),
        "has_ended": _("It has ended meanwhile. Share the images again if they are still needed."),
        "not_yours_to_allow": _("It was decided meanwhile, or it is your own."),
        "several_patients": _("One link is about one patient: share the others by links of their own."),
        "patient_opposes": _("The patient opposed that their images leave the hospital. Nothing was shared."),
    }
)


def said(problem: Problem) -> str:
    """Return the sentence of a problem."""
    return str(_SAID[problem.why]) % dict(problem.told)
