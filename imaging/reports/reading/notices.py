"""Readers hear of what was given to them or taken from them; never of whom it is about."""

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.reports.models import ReadingItem

TAKEN_OVER: Final = kinds.register(
    Kind(
        name="reading.taken_over",
        group=groups.WORK,
        label=_("A study that I read was taken over"),
        title=_("A study that you were reading was taken over"),
        text=_("A colleague reads it now. What you had written is kept with its report."),
        capability=Capability.WRITE_REPORT,
        by_mail=False,
    )
)
ASSIGNED: Final = kinds.register(
    Kind(
        name="reading.assigned",
        group=groups.WORK,
        label=_("A study was given to me to be read"),
        title=_("A study was given to you to be read"),
        text=_("A colleague asks you to read it. It stands in your reading list."),
        capability=Capability.WRITE_REPORT,
        by_mail=False,
    )
)


def taken_over(item: ReadingItem, before: User, *, by: User, actor: Actor) -> None:
    """Tell who read a study until now; not who takes back what is theirs."""
    if before.pk != by.pk:
        _tell(before, TAKEN_OVER, item, actor)


def assigned(item: ReadingItem, colleague: User, *, actor: Actor) -> None:
    """Tell who is asked to read a study."""
    _tell(colleague, ASSIGNED, item, actor)


def _tell(person: User, kind: Kind, item: ReadingItem, actor: Actor) -> None:
    params: dict[str, Any] = {}
    subject = ("study", item.study.study_instance_uid)
    path = f"{reverse('reports:reading')}?show=mine"
    services.notify([person], kind, path=path, actor=actor, subject=subject, params=params)
