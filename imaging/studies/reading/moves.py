"""Where later objects of what was moved go: with the others, when they name the same person as these did."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from django.db.models import Q

from imaging.dicom import correctable
from imaging.studies.models import Correction, Move
from imaging.studies.reading import corrections
from imaging.studies.rows.incoming import IncomingInstance, InheritedCorrection

#: Moves of moves that are followed; more are nobody's wish.
_MOST: Final = 8
#: What a move says comes before what was decided about the study there (``InheritedCorrection.order``).
_FIRST: Final = -(2**40)


def following(items: Sequence[IncomingInstance]) -> list[tuple[InheritedCorrection, ...]]:
    """What moves in force put over each of these, by the study and series that it names; mostly nothing. One query then."""
    places = [item.named for item in items]
    found: list[list[Move]] = [[] for _item in items]
    left = set(range(len(items)))
    persons: dict[int, list[str]] = {}
    for _round in range(_MOST):
        if not left:
            break
        moves = _moves({places[index] for index in left})
        for index in sorted(left):
            move = _next(moves, items[index], places[index], found[index], persons, index)
            if move is None:
                left.discard(index)
                continue
            found[index].append(move)
            places[index] = _place_after(move, places[index])
    return [tuple(map(_entry, range(_MOST), chain)) for chain in found]


def _moves(places: set[tuple[str, str]]) -> list[Move]:
    if not places:
        return []
    named = Q(from_series_uid__in={series for _study, series in places})
    whole = Q(from_study__study_instance_uid__in={study for study, _series in places}, whole_study=True)
    rows = Move.objects.in_force().filter(named | whole).select_related("from_study")
    return list(rows.order_by("pk"))


def _next(
    moves: Sequence[Move],
    item: IncomingInstance,
    place: tuple[str, str],
    before: Sequence[Move],
    persons: dict[int, list[str]],
    index: int,
) -> Move | None:
    """The first move from this place that came after the last one that was followed."""
    last = before[-1].pk if before else 0
    groups = {move.group for move in before}
    here = [
        move
        for move in moves
        if move.pk > last and move.group not in groups and move.from_study.study_instance_uid == place[0]
    ]
    # Its own series first: of a study that was moved as a whole each series has a row.
    here.sort(key=lambda move: (move.from_series_uid != place[1], move.pk))
    for move in here:
        if index not in persons:
            persons[index] = list(corrections.person_of(orjson.loads(item.metadata_json)))
        if persons[index] in move.persons and _concerns(move, item, place[1]):
            return move
    return None


def _concerns(move: Move, item: IncomingInstance, series_uid: str) -> bool:
    if move.whole_study or (move.whole_series and move.from_series_uid == series_uid):
        return True
    if move.from_series_uid != series_uid:
        return False
    # Of a part of a series only what was moved itself: the same instance with other bytes.
    rows = Correction.objects.in_force().filter(
        group=move.group, version__instance__sop_instance_uid=item.header.instance.sop_instance_uid
    )
    return rows.exists()


def _place_after(move: Move, place: tuple[str, str]) -> tuple[str, str]:
    attributes = move.attributes
    series = correctable.text_of(attributes.get(correctable.SERIES_UID, {}))
    return correctable.text_of(attributes[correctable.STUDY_UID]), series or place[1]


def _entry(number: int, move: Move) -> InheritedCorrection:
    attributes: dict[str, Any] = move.attributes
    return InheritedCorrection(
        group=move.group,
        attributes=attributes,
        reason=move.reason,
        made_by=move.made_by,
        order=_FIRST + number,
        person=(),
    )
