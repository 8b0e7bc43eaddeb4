"""What the pages of an import show, made of what is known and of what its owner has answered so far."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import QueryDict

from accounts.scope import Scope
from imaging.ingest.imports import selectors, wording
from imaging.ingest.imports.contents import Contents, Examination
from imaging.ingest.imports.decisions import Answer
from imaging.ingest.imports.selectors import Question
from imaging.ingest.models import Import, ImportedFile
from imaging.studies.models import Study

_PAGE: Final = 100
_MOST_NAMES: Final = 50
_MOST_STUDIES: Final = 200
_State = ImportedFile.State
#: In the order in which a person should see them.
_ORDER: Final = (_State.REFUSED, _State.SET_ASIDE, _State.REGISTERED, _State.SKIPPED)


def answers(posted: QueryDict, questions: list[str]) -> dict[str, Answer]:
    """What was answered, patient by patient; anything strange is no answer."""
    found = {}
    for key in questions:
        choice, _colon, pk = posted.get(key, "").partition(":")
        known = int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
        found[key] = Answer(choice, known, posted.get(f"{key}-number", "")[:64], posted.get(f"{key}-issuer", "")[:64])
    return found


def to_decide(
    delivery: Import, scope: Scope, *, posted: QueryDict | None = None, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The questions of an import that waits for its owner, with what was answered before."""
    asked = selectors.questions(delivery, scope)
    chosen = set(posted.getlist("study")) if posted is not None else None
    told = errors or {}
    contents = Contents.from_json(delivery.summary)
    return {
        "questions": [_question(one, posted, chosen, told) for one in asked],
        "error": told.get("", ""),
        "is_obvious": posted is None and len(asked) == 1 and bool(asked[0].suggested),
        "object_count": sum(one.person.instances for one in asked),
        "study_count": sum(len(one.person.studies) for one in asked),
        "missing": contents.missing[:_MOST_NAMES],
        "missing_count": contents.missing_count,
        "index_refused": contents.index_refused[:_MOST_NAMES],
        "left_groups": [_group(delivery, state) for state in (_State.REFUSED, _State.SKIPPED)],
        "documents": delivery.files.filter(kind=ImportedFile.Kind.DOCUMENT, state=_State.SKIPPED).count(),
    }


def _question(
    one: Question, posted: QueryDict | None, chosen: set[str] | None, errors: Mapping[str, str]
) -> dict[str, Any]:
    key = one.person.key
    answer = posted.get(key, "") if posted is not None else one.suggested
    return {
        "person": one.person,
        "answer": answer,
        "candidates": [
            {
                "patient": each.patient,
                "value": f"here:{each.patient.pk}",
                "words": wording.comparison(each),
                "differs": bool(each.disagreement),
            }
            for each in one.candidates
        ],
        "needs_issuer": one.needs_issuer,
        "issuer": posted.get(f"{key}-issuer", "") if posted is not None else one.issuer,
        "number": posted.get(f"{key}-number", "") if posted is not None else "",
        "studies": [_study(study, chosen) for study in one.person.studies.values()],
        "error": errors.get(key, ""),
    }


def _study(study: Examination, chosen: set[str] | None) -> dict[str, Any]:
    return {
        "study": study,
        "is_chosen": chosen is None or study.study_instance_uid in chosen,
        "is_here": study.here == study.instances,
        "series": sorted(study.series.values(), key=lambda line: (line.number is None, line.number or 0)),
    }


def _group(delivery: Import, state: str) -> dict[str, Any]:
    """Files in one state that a person may wonder about: the first names, and how many there are."""
    files = selectors.files_in(delivery, state).exclude(reason="media_directory")
    return {
        "state": state,
        "label": _State(state).label,
        "shape": wording.shape(state),
        "count": files.count(),
        "files": [{"path": file.path, "words": wording.explanation(file)} for file in files[:_MOST_NAMES]],
    }


def results(delivery: Import, scope: Scope, *, show: str, page: str) -> dict[str, Any]:
    """What became of every file, state by state and page by page, and the studies that can be opened."""
    counts = selectors.results(delivery)
    states = [state for state in _ORDER if counts.get(state)]
    shown = show if show in states else next(iter(states), "")
    listed = Paginator(selectors.files_in(delivery, shown), _PAGE).get_page(page)
    return {
        "tabs": [
            {
                "state": state,
                "label": state.label,
                "count": counts[state],
                "shape": wording.shape(state),
                "is_current": state == shown,
            }
            for state in states
        ],
        "listed": listed,
        "rows": [
            {"file": file, "words": wording.explanation(file), "shape": wording.shape(file.state)} for file in listed
        ],
        "shown": shown,
        "studies": _studies(delivery, scope),
        "counts": counts,
    }


def _studies(delivery: Import, scope: Scope) -> list[Study]:
    """The studies of an import that its owner may open."""
    uids = selectors.files_in(delivery, _State.REGISTERED).order_by().values_list("study_instance_uid", flat=True)
    found = selectors.studies_in_scope(list(uids.distinct()[:_MOST_STUDIES]), scope)
    return sorted(found.values(), key=lambda study: (study.patient.name_norm, study.study_at))
