"""How values are written: names of people in their writings, moments in UTC, numbers of pages as links."""

import datetime as dt
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imaging.dicom import person_name


class PersonNameParts(serializers.Serializer[Any]):
    """A name of DICOM in its three writings (PS3.5 section 6.2.1), each as it stands in the header."""

    alphabetic = serializers.CharField(help_text="FAMILY^Given^Middle^Prefix^Suffix, as in DICOM.")
    ideographic = serializers.CharField()
    phonetic = serializers.CharField()
    display = serializers.CharField(help_text="For a list: “Family, Given”.")


@extend_schema_field(PersonNameParts)
class PersonNameField(serializers.Field[Any, Any, Any, Any]):
    """A value of PN as an object; None for an empty one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: str) -> dict[str, str]:
        """Return the writings."""
        groups = [*value.split("=", 2), "", ""]
        return {
            "alphabetic": groups[0],
            "ideographic": groups[1],
            "phonetic": groups[2],
            "display": person_name.display(value),
        }


class MomentField(serializers.DateTimeField):
    """A moment, in UTC: 2026-03-04T10:15:00Z."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, default_timezone=dt.UTC, **options)


class UidField(serializers.RegexField):
    """A UID (PS3.5 section 9.1)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9.]{1,64}$", **options)
