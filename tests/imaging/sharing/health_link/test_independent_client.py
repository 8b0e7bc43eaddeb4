"""A SMART Health Link is read by kill-the-clipboard, which knows nothing of the portal but the standard."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from imaging.sharing.making.services import Made
from imaging.studies.models import Study
from tests.imaging.sharing.health_link.conftest import Wallet

pytestmark = pytest.mark.django_db(transaction=True)

NODE = Path(sys.prefix) / "bin" / "node"
READER = Path(__file__).with_name("read_link.mjs")


@pytest.fixture
def there(live_server: LiveServer, settings: Any) -> LiveServer:
    """The portal at an address of its own, which its links name."""
    settings.PUBLIC_URL = live_server.url
    return live_server


@pytest.fixture
def link(there: LiveServer, made: Made, inside: Client) -> Wallet:
    handed = inside.post(f"/s/{made.share.key}/shl").context["handed"]
    return Wallet(handed.uri, handed.passcode, Client())


def read(uri: str, passcode: str, *, longest: int) -> dict[str, Any]:
    done = subprocess.run(
        [str(NODE), str(READER), uri, passcode, str(longest)], capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("longest", [0, 10_000_000])
def test_it_reads_the_study_from_a_file_beside_and_from_one_within(link: Wallet, chest: Study, longest: int) -> None:
    found = read(link.uri, link.passcode, longest=longest)
    [file] = found["manifest"]["files"]
    assert ("location" in file) is (longest == 0)
    [bundle] = found["resources"]
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds == ["Patient", "Endpoint", "ImagingStudy"]
    study = bundle["entry"][2]["resource"]
    assert study["identifier"][0]["value"] == f"urn:oid:{chest.study_instance_uid}"


def test_it_reads_the_link_behind_our_own_page(link: Wallet, there: LiveServer, made: Made) -> None:
    address = f"{there.url}/s/{made.share.key}/shl#{link.uri}"
    assert len(read(address, link.passcode, longest=0)["resources"]) == 1


def test_it_is_told_that_a_passcode_is_wrong(link: Wallet) -> None:
    assert read(link.uri, "0000-0000-0000", longest=0)["error"] == "SHLInvalidPasscodeError"
