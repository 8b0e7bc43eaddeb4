"""Who hears of a signature: who asked, who wrote, and who is to sign next. Never of whom it is about."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.reports.models import Report
from imaging.reports.writing import selectors
from imaging.reports.writing.policies import State

FINAL: Final = kinds.register(
    Kind(
        name="report.final",
        group=groups.REPORTS,
        label=_("The report of an exam that I asked for is signed"),
        title=_("A report that you asked for is signed"),
        text=_("The final report can be read in the portal."),
        capability=Capability.REQUEST_EXAM,
    )
)
PRELIMINARY: Final = kinds.register(
    Kind(
        name="report.preliminary",
        group=groups.REPORTS,
        label=_("There is a preliminary report of an exam that I asked for"),
        title=_("There is a preliminary report of an exam that you asked for"),
        text=_("It is not confirmed yet: the final report may differ from it."),
        capability=Capability.REQUEST_EXAM,
        by_mail=False,
    )
)
CHANGED: Final = kinds.register(
    Kind(
        name="report.changed",
        group=groups.REPORTS,
        label=_("A report of an exam that I asked for was changed after it was signed"),
        title=_("A report that you asked for was changed after it was signed"),
        text=_("An addendum, a correction or a withdrawal. Read it again: what you decided by it may have to change."),
        capability=Capability.REQUEST_EXAM,
        keeps_mail=True,
    )
)
TO_SIGN: Final = kinds.register(
    Kind(
        name="report.to_sign",
        group=groups.WORK,
        label=_("A preliminary report waits for my signature"),
        title=_("A preliminary report waits for your signature"),
        text=_(
            "A colleague named you as supervisor. Read it with its images, change what has to be changed, and sign."
        ),
        capability=Capability.SIGN_REPORT,
        by_mail=False,
    )
)
SIGNED_BY_SUPERVISOR: Final = kinds.register(
    Kind(
        name="report.cosigned",
        group=groups.WORK,
        label=_("My preliminary report was signed by a supervisor"),
        title=_("Your preliminary report was signed"),
        text=_("Its page shows what was changed before it was signed."),
        capability=Capability.WRITE_REPORT,
        by_mail=False,
    )
)


def tell(report: Report, state: State, *, was: State, actor: Actor) -> None:
    """Tell of a signature, in its transaction."""
    item = selectors.asked(report.study)
    asker = [item.asked_by] if item is not None and item.asked_by is not None else []
    if state is State.PRELIMINARY:
        _tell([report.supervisor] if report.supervisor else [], TO_SIGN, report, actor)
        _tell(asker, PRELIMINARY, report, actor)
        return
    _tell(asker, FINAL if state is State.FINAL else CHANGED, report, actor)
    if was is State.PRELIMINARY and report.author is not None:
        _tell([report.author], SIGNED_BY_SUPERVISOR, report, actor)


def _tell(people: list[User], kind: Kind, report: Report, actor: Actor) -> None:
    path = reverse("reports:report", args=[report.key])
    if kind is TO_SIGN:
        path = reverse("reports:write", args=[report.study.study_instance_uid])
    services.notify(people, kind, path=path, actor=actor, subject=("report", str(report.key)))
