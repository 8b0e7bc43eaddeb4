"""What people are told of what comes in, and of what does not. Never of whom it shows."""

from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.ingest.models import ApplicationEntity, Import


def _silent_text(told: Told) -> str:
    last = timezone.localtime(datetime.fromisoformat(told["last"]))
    moment = f"{formats.date_format(last, 'SHORT_DATE_FORMAT')} {formats.time_format(last, 'TIME_FORMAT')}"
    heard = _("%(title)s (%(description)s): last heard %(moment)s.") % {
        "title": told["title"],
        "description": told["description"] or _("no description"),
        "moment": moment,
    }
    return heard + "\n" + _("Check the device and its network. What the portal has received is kept.")


def _waiting_title(told: Told) -> str:
    return ngettext("%(count)d object waits in quarantine", "%(count)d objects wait in quarantine", told["overdue"]) % {
        "count": told["overdue"]
    }


def _waiting_text(told: Told) -> str:
    sentence = ngettext(
        "%(count)d received object has waited for more than %(days)d days for somebody to decide about it.",
        "%(count)d received objects have waited for more than %(days)d days for somebody to decide about them.",
        told["overdue"],
    ) % {"count": told["overdue"], "days": told["days"]}
    kept = _("Nothing is lost: the objects are kept, but nobody can see them in the study list until then.")
    return f"{sentence}\n{kept}"


def _sent_text(told: Told) -> str:
    sentence = _("They wait in the inbox of %(department)s.") % {"department": told["department"]}
    return sentence + "\n" + _("Nobody sees them in the study list until a person has said whose they are.")


SILENT: Final = kinds.register(
    Kind(
        name="ingest.silent",
        group=groups.OPERATION,
        label=gettext_lazy("A sender has fallen silent"),
        title=gettext_lazy("A sender has fallen silent"),
        text=_silent_text,
        takes=frozenset({"title", "description", "last"}),
        capability=Capability.MANAGE_MACHINES,
    )
)
WAITING: Final = kinds.register(
    Kind(
        name="ingest.waiting",
        group=groups.WORK,
        label=gettext_lazy("Objects have waited too long in quarantine"),
        title=_waiting_title,
        text=_waiting_text,
        takes=frozenset({"overdue", "days"}),
        capability=Capability.RESOLVE_QUARANTINE,
    )
)


SENT_FROM_OUTSIDE: Final = kinds.register(
    Kind(
        name="ingest.sent_from_outside",
        group=groups.WORK,
        label=gettext_lazy("Somebody outside sent images by a link"),
        title=gettext_lazy("Images were sent to your department by a link"),
        text=_sent_text,
        takes=frozenset({"department"}),
        capability=Capability.UPLOAD,
    )
)


def tell_sent_from_outside(delivery: Import) -> int:
    """Tell those who decide about a department's imports that something waits in its inbox. How many."""
    return services.notify(
        accounts.people_capable(Capability.UPLOAD, department_ids=[delivery.department_id]),
        SENT_FROM_OUTSIDE,
        path=reverse("ingest:inbox"),
        subject=("import", str(delivery.pk)),
        params={"department": delivery.department.label},
        actor=SYSTEM,
    )


def tell_silent(entity: ApplicationEntity) -> int:
    """Tell those who manage machines that one has fallen silent. How many."""
    return services.notify(
        accounts.people_capable(Capability.MANAGE_MACHINES),
        SILENT,
        path=reverse("admin:imaging_receipt_changelist"),
        subject=("application_entity", entity.ae_title),
        params={
            "title": entity.ae_title,
            "description": entity.description,
            "last": entity.silent_since.isoformat() if entity.silent_since else "",
        },
        actor=SYSTEM,
    )


def tell_waiting(person: User, *, overdue: int, days: int) -> int:
    """Tell a person how much has waited too long for a decision of theirs. One, or none who wants to hear."""
    return services.notify(
        [person],
        WAITING,
        path=reverse("ingest:quarantine"),
        subject=("quarantine", ""),
        params={"overdue": overdue, "days": days},
        actor=SYSTEM,
    )
