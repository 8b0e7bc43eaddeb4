"""The one order in which writers lock, so that nobody waits in a circle.

Whoever needs several of these takes them like this:

1. the UIDs of studies and series that a batch names, by number (``registering.registration``);
2. rows of studies, by Study Instance UID: ``studies``. Who holds one writes what is below it: series, instances, versions,
   segments, corrections;
3. rows of patients that are missing, by issuer and ID: ``patients.of_batch`` and ``patients.of_key``. Making one waits for
   whoever is making the same one;
4. rows of patients, by primary key and all at once: ``patients`` here. Who holds one writes its columns, and their copies in
   the placements of all of its studies; who copies them to a new placement holds it too, or would copy what is being changed;
5. placements, by primary key (``placement.refresh``, ``status.refresh``);
6. events, by kind and subject (``events.services``).

Single rows may be written out of turn by who locks nothing after them. Letting go of a patient never waits
(``patients.forget``).
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import IntegrityError
from django.db.models import QuerySet

from imaging.studies.models import Patient, Study

_ATTEMPTS: Final = 3

Arguments = ParamSpec("Arguments")
AnswerT = TypeVar("AnswerT")


class PatientGone(IntegrityError):
    """A patient that was found has been let go of before it was locked: what was being done is begun again."""


def studies(found: QuerySet[Study]) -> list[Study]:
    """Lock these studies; as they are then, each with its patient (which is not locked).

    The patient is read by a statement of its own: a join would lose a study that got another patient during the wait.
    """
    locked = found.order_by("study_instance_uid").select_for_update(of=("self",), no_key=True)
    return list(locked.prefetch_related("patient"))


def patients(keys: Iterable[int]) -> dict[int, Patient]:
    """Lock these patients; as they are then, by primary key. Raises ``PatientGone``."""
    wanted = set(keys)
    rows = Patient.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    locked = {row.pk: row for row in rows} if wanted else {}
    if len(locked) < len(wanted):
        raise PatientGone
    return locked


def begun_again(write: Callable[Arguments, AnswerT]) -> Callable[Arguments, AnswerT]:
    """Do a write that is one transaction once more when another one took what it was about to take (``IntegrityError``)."""

    @wraps(write)
    def written(*args: Arguments.args, **names: Arguments.kwargs) -> AnswerT:
        for _attempt in range(_ATTEMPTS - 1):
            try:
                return write(*args, **names)
            except IntegrityError:
                continue
        return write(*args, **names)

    return written
