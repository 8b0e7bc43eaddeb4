"""Asking peers whether they hear us: our own listener, DCMTK's, a deaf port, a port of something else."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from imaging.dimse.echo import Heard, echo
from imaging.ingest.models import ApplicationEntity
from tests.factories.accounts import UserFactory
from tests.imaging.dimse.conftest import Door
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def heard(port: int, *, host: str = "127.0.0.1", called: str = "NEGATOSCOPE", calling: str = "CT1") -> Heard:
    return echo(host, port, called_ae_title=called, calling_ae_title=calling, patience=2.0).heard


def test_a_listener_that_knows_us_answers(door: Door) -> None:
    assert heard(door.port) == Heard.ANSWERED


def test_it_is_told_apart_which_title_is_not_known(door: Door) -> None:
    assert heard(door.port, calling="STRANGER") == Heard.OUR_TITLE_UNKNOWN
    assert heard(door.port, called="SOMEBODY") == Heard.ITS_TITLE_UNKNOWN


def test_a_port_on_which_nobody_listens_is_no_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert heard(free.getsockname()[1]) == Heard.NO_CONNECTION


def test_something_that_listens_and_says_nothing_is_no_dicom() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert heard(silent.getsockname()[1]) == Heard.NO_DICOM


@pytest.mark.parametrize(
    ("host", "answer"), [("no-such-host.invalid", Heard.NO_SUCH_HOST), ("169.254.169.254", Heard.NOT_ALLOWED)]
)
def test_what_is_no_address_of_a_device_is_not_called(host: str, answer: Heard) -> None:
    assert heard(104, host=host) == answer


@pytest.fixture
def storescp(tmp_path: Path) -> Iterator[int]:
    """DCMTK's own listener, as a device would run."""
    port = free_port()
    with subprocess.Popen(["storescp", "-od", str(tmp_path), "-aet", "DEVICE", str(port)]) as process:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield port
        process.terminate()


def test_an_administrator_tests_a_device_and_it_is_on_record(client: Client, storescp: int) -> None:
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    entity = ApplicationEntity.objects.create(ae_title="DEVICE", host="localhost", port=storescp)
    address = reverse("admin:imaging_applicationentity_echo", args=[entity.pk])
    assert client.get(address).status_code == 405
    assert "DEVICE answered in" in client.post(address, follow=True).content.decode()
    event = AuditEvent.objects.get(action="peer.tested")
    assert (event.subject_uid, event.outcome, event.detail["answer"]) == ("DEVICE", "success", "answered")
    ApplicationEntity.objects.update(port=None)
    assert "write the address and port" in client.post(address, follow=True).content.decode()
    assert AuditEvent.objects.filter(action="peer.tested").count() == 1


def test_who_may_only_look_tests_nothing(client: Client) -> None:
    client.force_login(UserFactory.create(is_staff=True))
    entity = ApplicationEntity.objects.create(ae_title="DEVICE", host="localhost", port=104)
    assert client.post(reverse("admin:imaging_applicationentity_echo", args=[entity.pk])).status_code == 403
    assert not AuditEvent.objects.filter(action="peer.tested").exists()
