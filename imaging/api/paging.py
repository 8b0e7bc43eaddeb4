"""Pages of lists: an envelope, and the addresses of the neighbours in the body and in the header Link (RFC 8288)."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from django.db.models import F, Model, Q, QuerySet
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.api.errors import Problem, Refused

RowT = TypeVar("RowT", bound=Model)

MOST: Final = 500
_DEFAULT: Final = 50
_LONGEST_CURSOR: Final = 2000


class PageQuery(serializers.Serializer[Any]):
    """Which page of a list."""

    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST, default=_DEFAULT, help_text=f"Rows in a page, {MOST} at most."
    )
    cursor = serializers.CharField(
        required=False,
        max_length=_LONGEST_CURSOR,
        help_text="Where the page begins: out of `next` or `previous`, never made by the client.",
    )


def envelope(row: type[serializers.Serializer[Any]], name: str) -> type[serializers.Serializer[Any]]:
    """The type of a page of such rows."""
    fields: dict[str, Any] = {
        "results": row(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The next page, or null."),
        "previous": serializers.URLField(allow_null=True, help_text="The page before, or null."),
        "__doc__": f"A page of {name}.",
    }
    return type(f"PageOf{name.title().replace(' ', '')}", (serializers.Serializer,), fields)


def answer(
    request: Request, rows: list[Any], *, following: str, preceding: str = "", more: Mapping[str, Any] | None = None
) -> Response:
    """A page; ``following`` and ``preceding`` are cursors, empty at the ends."""
    onward, back = _address(request, following), _address(request, preceding)
    response = Response({"results": rows, "next": onward or None, "previous": back or None, **(more or {})})
    links = [f'<{address}>; rel="{name}"' for name, address in (("next", onward), ("prev", back)) if address]
    if links:
        response["Link"] = ", ".join(links)
    return response


def _address(request: Request, cursor: str) -> str:
    if not cursor:
        return ""
    query: QueryDict = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def written(*place: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def read(cursor: str, *kinds: type) -> tuple[Any, ...] | None:
    """What ``written`` was given; None for no cursor. Raises ``Refused`` for one that is not of this list."""
    if not cursor:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Refused(Problem.CURSOR) from error
    if not isinstance(place, list) or len(place) != len(kinds):
        raise Refused(Problem.CURSOR)
    if not all(kind is object or type(value) is kind for value, kind in zip(place, kinds, strict=True)):
        raise Refused(Problem.CURSOR)
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in place):
        raise Refused(Problem.CURSOR)
    return tuple(place)


def latest_first(
    request: Request, rows: QuerySet[RowT], *, cursor: str, limit: int, show: Callable[[RowT], Any]
) -> Response:
    """A page of rows by primary key, the latest first; there is no way back but the beginning."""
    place = read(cursor, int)
    if place is not None:
        rows = rows.filter(Q(pk__lt=place[0]))
    found = list(rows.order_by("-pk")[: limit + 1])
    following = written(found[limit - 1].pk) if len(found) > limit else ""
    return answer(request, [show(row) for row in found[:limit]], following=following)


def by_number(
    request: Request, rows: QuerySet[RowT], column: str, *, cursor: str, limit: int, show: Callable[[RowT], Any]
) -> Response:
    """A page of rows by a number of theirs, those without one last: rows that arrive meanwhile move no other."""
    place = read(cursor, object, int)
    if place is not None:
        number, pk = place
        if number is None:
            rows = rows.filter(Q(**{column: None}), pk__gt=pk)
        elif type(number) is int and -(2**63) <= number < 2**63:
            after = Q(**{f"{column}__gt": number}) | Q(**{column: None}) | Q(**{column: number}, pk__gt=pk)
            rows = rows.filter(after)
        else:
            raise Refused(Problem.CURSOR)
    found = list(rows.order_by(F(column).asc(nulls_last=True), "pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    following = written(getattr(last, column), last.pk) if last is not None else ""
    return answer(request, [show(row) for row in found[:limit]], following=following)


def latest_made_first(
    request: Request, rows: QuerySet[RowT], *, cursor: str, limit: int, show: Callable[[RowT], Any]
) -> Response:
    """A page of rows whose keys tell no order, by the moment when they were made, the latest first."""
    place = read(cursor, str, str)
    if place is not None:
        try:
            at, pk = datetime.fromisoformat(place[0]), UUID(place[1])
        except ValueError as error:
            raise Refused(Problem.CURSOR) from error
        if at.tzinfo is None:
            raise Refused(Problem.CURSOR)
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    found: list[Any] = list(rows.order_by("-created_at", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    following = written(last.created_at.isoformat(), str(last.pk)) if last is not None else ""
    return answer(request, [show(row) for row in found[:limit]], following=following)
