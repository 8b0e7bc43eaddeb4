"""The log says where something broke, and of whom never (DESIGN 5.6)."""

import io
import logging
import logging.config
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client

from imaging.studies.models import Patient
from portal.serve.journal import Journal

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


#: A second line, orders to a terminal in both writings, texts that turn around or hide, half a character, and placeholders.
SENT = "CT1\r\nERROR accounts.audit: everything was deleted\x1b[2J\x9b1A\u2028\u202egpj.exe\u200b\ud800%s%(name)s{0}{x}"
SEEN = (
    r"CT1\r\nERROR accounts.audit: everything was deleted\x1b[2J\x9b1A\u2028\u202egpj.exe\u200b\ud800%s%(name)s{0}{x}"
)


def _line(message: str, *values: object) -> str:
    return _formatter().format(logging.LogRecord("imaging", logging.WARNING, __file__, 1, message, values, None))


def test_what_was_sent_begins_no_line_and_orders_nothing() -> None:
    assert _line("C-STORE from %s refused: %s.", SENT, "x") == f"WARNING imaging: C-STORE from {SEEN} refused: x."
    assert _line("Known: %r", SENT).isprintable()
    assert _line(SENT) == f"WARNING imaging: {SEEN}", "a message without values is not filled in"


def test_what_an_exception_says_is_one_line_too() -> None:
    try:
        raise ValueError(SENT)
    except ValueError as error:
        error.add_note(SENT)
        lines = _formatter().format(_record()).splitlines()
    assert not [line for line in lines if line.startswith("ERROR accounts")]
    assert f"ValueError: {SEEN}" in lines
    assert lines[-1] == SEEN, "the note"


@pytest.mark.django_db
def test_addresses_hosts_and_names_of_a_request_leave_one_line_each(client: Client) -> None:
    stream = io.StringIO()
    heard = logging.StreamHandler(stream)
    heard.setFormatter(_formatter())
    logging.getLogger().addHandler(heard)
    try:
        for address in ("/%0d%0aERROR%20forged", "/studies/%1b%5b2J/", "/%e2%80%ae/x", "/api/v1/%25s%7b0%7d/%0a"):
            client.get(address, headers={"User-Agent": SENT.encode("ascii", "ignore").decode()})
        client.get("/", headers={"Host": "evil\r\nERROR forged"})
        client.get("/", headers={"Authorization": "Bearer x\r\nERROR forged\x1b[2J", "X-Request-ID": "a\nERROR forged"})
        form = {"login": SENT.replace("\ud800", ""), "password": "wrong wrong wrong"}
        client.post("/account/login/", form)
    finally:
        logging.getLogger().removeHandler(heard)
    said = stream.getvalue().splitlines()
    assert said
    for line in said:
        assert not line.startswith("ERROR forged"), line
        assert line.isprintable(), line
        assert "everything was deleted" not in line, "what was typed as a name may be a password"


def test_the_supervisor_s_journal_shows_no_orders_of_other_programs(tmp_path: Path) -> None:
    console = io.StringIO()
    journal = Journal(tmp_path, console)
    journal.say("LOG: a\x1b[2J\u202eb\u2028c\x9b1A", "postgres")
    journal.close()
    for written in (console.getvalue(), (tmp_path / "negatoscope.log").read_text()):
        assert len(written.splitlines()) == 1
        assert written.rstrip("\n").isprintable(), written
