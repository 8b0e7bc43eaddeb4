"""What a wish comes to: the studies, series and instances that it names, as far as who shares may pass them on."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.actor import Actor
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import uids
from imaging.sharing.making.policies import Problem, What, Wish
from imaging.studies import access, selectors
from imaging.studies.models import Instance, KeyImage, Series, Study


@dataclass(frozen=True, slots=True)
class Chosen:
    """One thing to be shared, as a row of ``ShareItem`` names it."""

    study: Study
    series: Series | None = None
    instance: Instance | None = None
    is_prior: bool = False


def opened(wish: Wish, scope: Scope, *, actor: Actor) -> list[Study]:
    """Return the studies in hand, for who may share them. Raises ``StudyNotVisible`` and ``RightMissing``."""
    return [
        access.open_study(scope, uid, actor=actor, purpose=access.Purpose.CHANGE, right=Right.SHARE)
        for uid in dict.fromkeys(wish.studies)
    ]


def sharing_departments(study: Study, scope: Scope) -> list[Department]:
    """Return the departments for which somebody may share a study: where it lies and the right is held, the first one first."""
    held = scope.departments_with(Right.SHARE)
    usable = selectors.departments_having(study, scope=scope)
    return [
        department
        for department in usable
        if department.pk in held
        and Study.objects.visible_to(scope.within([department.pk]), Right.SHARE).filter(pk=study.pk).exists()
    ]


def priors_of(study: Study, department_scope: Scope) -> list[Study]:
    """Return the other studies of the same patient that the department may share too, latest first."""
    rows = Study.objects.visible_to(department_scope, Right.SHARE).filter(patient=study.patient_id)
    return list(rows.exclude(pk=study.pk).order_by("-study_at", "-pk")[:200])


def chosen(
    wish: Wish, studies: Iterable[Study], department_scope: Scope, *, report_waits: bool
) -> tuple[list[Chosen], list[Problem]]:
    """Return what exactly is shared, and what of the wish is not there to be shared.

    Reports lie in their study as objects of their own (Encapsulated PDF, SR). A study is named as a whole, with whatever
    arrives in it later, only where its report goes along at once; otherwise its series of images are named one by one.
    """
    is_whole = wish.with_report and not report_waits
    found: list[Chosen] = []
    problems: list[Problem] = []
    for number, study in enumerate(studies):
        if wish.what == What.STUDY or number:
            found += _all_of(study, department_scope, is_whole=is_whole)
        elif wish.what == What.SERIES:
            found += _series(study, wish.series, department_scope, is_whole=is_whole)
        else:
            found += _key_images(study, department_scope, is_whole=is_whole)
        if number == 0 and wish.priors:
            usable = {row.study_instance_uid: row for row in priors_of(study, department_scope)}
            missing = wish.priors - set(usable)
            problems += [Problem("priors", "prior_not_yours")] if missing else []
            for uid in sorted(wish.priors & set(usable)):
                found += _all_of(usable[uid], department_scope, is_whole=is_whole, is_prior=True)
    if not any(not entry.is_prior for entry in found):
        problems.append(Problem("what", "nothing_chosen"))
    return found, problems


def _all_of(study: Study, scope: Scope, *, is_whole: bool, is_prior: bool = False) -> list[Chosen]:
    if is_whole:
        return [Chosen(study, is_prior=is_prior)]
    return [Chosen(study, row, is_prior=is_prior) for row in _open_series(study, scope, is_whole=False)]


def _series(study: Study, wanted: frozenset[str], scope: Scope, *, is_whole: bool) -> list[Chosen]:
    rows = _open_series(study, scope, is_whole=is_whole)
    return [Chosen(study, row) for row in rows if row.series_instance_uid in wanted]


def _open_series(study: Study, scope: Scope, *, is_whole: bool) -> list[Series]:
    """Return the series that may go along: without the report none of those that hold one, whoever names it."""
    texts = frozenset() if is_whole else selectors.series_with_words(study, scope=scope)
    rows = selectors.series_of(study, scope=scope, right=Right.SHARE)
    return [row for row in rows if row.pk not in texts]


def key_images_of(study: Study, scope: Scope) -> list[KeyImage]:
    """Return the flagged frames of a study, one for each instance."""
    rows = KeyImage.objects.filter(
        study=study, instance__in=Instance.objects.visible_to(scope, Right.SHARE).filter(series__study=study)
    )
    return list({row.instance_id: row for row in rows.select_related("instance__series").order_by("pk")}.values())


def _key_images(study: Study, scope: Scope, *, is_whole: bool) -> list[Chosen]:
    flagged = (row.instance for row in key_images_of(study, scope))
    return [Chosen(study, row.series, row) for row in flagged if is_whole or not _is_text(row)]


def _is_text(instance: Instance) -> bool:
    """Whether an instance may hold the report of its study (SR, Encapsulated PDF or CDA)."""
    return uids.kind_of(instance.sop_class_uid) in {"structured_report", "document"}
