"""What is signed, byte for byte: one record of plain values, and one way to write it.

The record is what ``ReportVersion.content`` keeps. The digest is taken of the record as it was signed, so that fields which
later versions of the program add change no digest of an older report. Numbers are integers and texts have no NUL:
PostgreSQL's ``jsonb`` gives back the same values.
"""

from __future__ import annotations

import hashlib
import types
import typing
import uuid
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from imaging.reports.documents import content as parts
from imaging.reports.documents.content import KeyPicture, ReportContent

FORMAT: Final = "negatoscope-report/1"
#: Not signed: the bytes of pictures (their digests are) and the digest of the whole.
_LEFT_OUT: Final = frozenset({"data", "digest"})
_VARIABLES: Final = {**vars(parts), "uuid": uuid, "datetime": datetime, "date": date}

Record = dict[str, Any]


class NotARecord(ValueError):
    """The record is not one of a report: nothing is made of it."""


def record(content: ReportContent) -> Record:
    """The plain values that are signed and kept."""
    return {"format": FORMAT, **_plain(content)}


def canonical(kept: Mapping[str, Any]) -> bytes:
    """The record as bytes: UTF-8, keys in order, no space. The same for equal records."""
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def digest(kept: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical bytes, hexadecimal: what a signature is about."""
    return hashlib.sha256(canonical(kept)).hexdigest()


def signed(content: ReportContent) -> ReportContent:
    """The content with its own digest."""
    return replace(content, digest=digest(record(content)))


def read(kept: Mapping[str, Any], *, pictures: Mapping[str, bytes] | None = None) -> ReportContent:
    """The content of a record, with its digest; ``pictures`` are bytes by SHA-256. Raises ``NotARecord``.

    A picture whose bytes are not given keeps its digest and caption.
    """
    if kept.get("format") != FORMAT:
        raise NotARecord("another format")
    try:
        made: ReportContent = _value(ReportContent, {key: value for key, value in kept.items() if key != "format"})
    except (KeyError, TypeError, ValueError) as error:
        raise NotARecord(type(error).__name__) from error
    given = pictures or {}
    shown = tuple(replace(each, data=given.get(each.sha256, b"")) for each in made.pictures)
    return replace(made, pictures=shown, digest=digest(kept))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        is_picture = isinstance(value, KeyPicture)
        left_out = _LEFT_OUT if is_picture or isinstance(value, ReportContent) else frozenset()
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name not in left_out}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, StrEnum | uuid.UUID):
        return str(value)
    return value


def _value(kind: Any, plain: Any) -> Any:
    """``plain`` as the type that a field is declared with. Raises KeyError, TypeError or ValueError."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        (wanted,) = [each for each in typing.get_args(kind) if each is not type(None)]
        return None if plain is None else _value(wanted, plain)
    if origin is tuple:
        if not isinstance(plain, list):
            raise TypeError("not a list")
        return tuple(_value(typing.get_args(kind)[0], item) for item in plain)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind, _VARIABLES)
        return kind(**{name: _value(hints[name], item) for name, item in plain.items() if name in hints})
    if kind in {datetime, date}:
        return kind.fromisoformat(plain)
    if kind in {str, int, bool}:
        if type(plain) is not kind:
            raise TypeError(f"not {kind.__name__}")
        return plain
    return kind(plain)
