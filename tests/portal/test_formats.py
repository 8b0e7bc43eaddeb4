"""Dates that Django writes by itself: no day is taken for a month, in either language."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.utils import formats, translation

MOMENT = datetime(2026, 4, 3, 14, 18, tzinfo=UTC)


@pytest.mark.parametrize(("language", "written"), [("en", "03 Apr 2026 14:18"), ("fr", "03/04/2026 14:18")])
def test_a_moment_is_written_as_its_language_does_in_europe(language: str, written: str) -> None:
    with translation.override(language):
        assert formats.date_format(MOMENT, "SHORT_DATETIME_FORMAT") == written


@pytest.mark.parametrize("typed", ["2026-04-03", "03/04/2026", "3 Apr 2026"])
def test_a_typed_day_comes_before_its_month(typed: str) -> None:
    with translation.override("en"):
        assert forms.DateField().clean(typed).isoformat() == "2026-04-03"
