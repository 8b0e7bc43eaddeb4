"""The commands of people and keys, as somebody at the server uses them."""

import json

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Department, MachineKey, digest_of
from accounts.roles import Right

pytestmark = pytest.mark.django_db


def test_a_key_is_issued_and_printed_once(emergency: Department, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("issue_key", "ris", "--department", "emergency", "--door", "dicomweb", "--days", "30", "--json")
    printed = json.loads(capsys.readouterr().out)
    key = MachineKey.objects.get()
    assert digest_of(printed["key"]) == key.digest
    assert key.rights_at("dicomweb") == {Right.LIST, Right.VIEW}
    assert key.rights_at("api") == frozenset()
    assert list(key.departments.all()) == [emergency]
    assert key.expires_at is not None


def test_a_key_is_printed_for_people_too(emergency: Department, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("issue_key", "ris", "--department", "emergency")
    lines = capsys.readouterr().out.split()
    assert digest_of(lines[-1]) == MachineKey.objects.get().digest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ris", "--department", "nowhere"], "No department has the code nowhere"),
        (["r:s", "--department", "emergency"], "letters"),
        (["ris", "--department", "emergency", "--days", "0"], "--days"),
        (["ris", "--department", "emergency", "--address", "10.0.0.0/99"], "network"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(emergency: Department, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("issue_key", *arguments)
    assert not MachineKey.objects.exists()


@pytest.mark.parametrize("command", ["setup", "issue_key", "partitions"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    assert len(capsys.readouterr().out) > 400
