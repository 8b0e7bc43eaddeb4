"""The log says where something broke, and of whom never (DESIGN 5.6)."""

import logging
import logging.config
import sys

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from imaging.studies.models import Patient

NAME = "Durand^Hélène"


def _record() -> logging.LogRecord:
    return logging.LogRecord("imaging", logging.ERROR, __file__, 1, "It broke.", None, sys.exc_info())


def _formatter() -> logging.Formatter:
    """The one that is configured."""
    configured = logging.config.DictConfigurator(settings.LOGGING)  # type: ignore[attr-defined]
    found: logging.Formatter = configured.configure_formatter(dict(settings.LOGGING["formatters"]["line"]))
    return found


@pytest.mark.django_db
def test_the_words_of_the_database_which_quote_rows_are_left_out() -> None:
    try:
        with transaction.atomic():
            Patient.objects.create(patient_name=NAME, patient_id="P1", sex=None)
    except IntegrityError:
        record = _record()
    assert NAME in str(record.exc_info), "the database quotes the row"
    line = _formatter().format(record)
    assert NAME not in line
    assert line.startswith("ERROR imaging: It broke.\n")
    assert "django.db.utils.IntegrityError" in line
    assert "psycopg.errors.NotNullViolation (23502)" in line
    assert "test_the_words_of_the_database" in line


def test_what_other_errors_say_and_what_led_to_them_is_told() -> None:
    try:
        try:
            {}["colour"]
        except KeyError as error:
            raise ValueError("no such colour") from error
    except ValueError:
        line = _formatter().format(_record())
    assert line.index("KeyError: 'colour'") < line.index("which led to:") < line.index("ValueError: no such colour")
