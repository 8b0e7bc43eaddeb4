"""The exam requests that a study answers, on its page: the question, who asked, and how far the answer is."""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.roles import Capability
from accounts.scope import Scope
from accounts.selectors import capabilities_by_department
from imaging.orders.matching import facts as matching
from imaging.orders.matching import selectors, waiting
from imaging.orders.models import ExamRequest
from imaging.orders.requesting import facts
from imaging.orders.requesting.facts import Milestone
from imaging.studies.models import Study


@dataclass(frozen=True, slots=True)
class Answered:
    """A request beside the study that answers it. ``css`` and ``shape`` draw its state, ``prio`` its priority."""

    request: ExamRequest
    requester: str
    prio: str
    shape: str
    css: str
    way: list[Milestone]
    basis: str

    def __repr__(self) -> str:
        """What changes of it while its study is looked at."""
        return f"{self.request.pk}:{self.request.version}:{self.request.state}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a study has no request, for people who may find it one. Empty where nobody is waited for."""

    why: str


def answered(study: Study, *, scope: Scope) -> list[Answered]:
    """The requests that a study answers, as far as the reader may see them, the first one first."""
    return [
        Answered(
            request=held.request,
            requester=selectors.requester_name(held.request),
            prio=line.prio,
            shape=line.shape,
            css=line.css,
            way=facts.way(held.request),
            basis=str(held.get_basis_display()),
        )
        for held in selectors.seen_of_study(study, scope)
        if (line := facts.line(held.request))
    ]


def waits(request: HttpRequest, study: Study) -> Waiting | None:
    """Why the study waits for its request, told to who may match it; None for others, and where it does not wait."""
    if not capabilities_by_department(request.user).get(Capability.RECONCILE):
        return None
    by = waiting.matcher(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )
    if by is None or waiting.study_of(by, study.study_instance_uid) is None:
        return None
    found = waiting.studies(by).filter(study=study).first()
    return Waiting(matching.why(found) if found is not None else "")
