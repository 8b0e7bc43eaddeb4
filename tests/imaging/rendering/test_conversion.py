"""Conversions while somebody waits: never longer than a person does."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imaging.rendering import conversion
from imaging.rendering.decoder import Unavailable
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.decoder_pools import Pool
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

Register = Callable[..., list[InstanceVersion]]
DEFLATED = "1.2.840.10008.1.2.1.99"


def test_a_person_does_not_wait_for_conversions_of_others(
    register: Register, sockets: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = register([arrivals.encoded(arrivals.dataset(), DEFLATED)])
    monkeypatch.setattr(conversion, "_PATIENCE", 0.3)
    settings.DECODER_SOCKET = sockets / "occupied.sock"
    with socket.socket(socket.AF_UNIX) as occupied:
        occupied.bind(str(settings.DECODER_SOCKET))
        occupied.listen()
        began = time.monotonic()
        with pytest.raises(Unavailable):
            conversion.convert_now(version)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("left", [0, 100])
def test_the_reserve_of_the_disk_is_not_touched(
    left: int, register: Register, pool: Pool, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = register([arrivals.encoded(arrivals.dataset(), DEFLATED)])
    monkeypatch.setattr(conversion.disk, "room", lambda _folder, _reserve: left)
    with pytest.raises(storage.StorageFull):
        conversion.convert(version)
    monkeypatch.setattr(conversion.disk, "room", lambda _folder, _reserve: 1024)
    conversion.convert(version)
    assert version.frames_object is not None
