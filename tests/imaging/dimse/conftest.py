"""A DICOM door on a port of its own, in this process: the real server, the real spool, the real database."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Department
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.server import Server
from imaging.ingest import registrar, services
from imaging.ingest.models import ApplicationEntity
from imaging.ingest.registrar import Drained
from imaging.ingest.spool import Spool
from tests.factories.accounts import DepartmentFactory
from tests.imaging.dimse.raw_peer import RawPeer


@dataclass
class Door:
    """The listener of a test."""

    port: int
    spool: Spool
    emergency: Department
    admission: Admission
    server: Server

    def peer(self, *, patience: float = 15.0) -> RawPeer:
        """A new connection."""
        return RawPeer(self.port, patience=patience)

    def drain(self) -> Drained:
        """Register what was stored."""
        return registrar.drain(self.spool)

    def written(self) -> None:
        """Wait until what happened is in the database."""
        self.admission.stop()


OpenDoor = Callable[..., Door]


@pytest.fixture
def open_door(data_dir: Path, settings: Any, transactional_db: None) -> Iterator[OpenDoor]:
    """`open_door(is_demo=False)` listens; CT1 may send for emergency."""
    settings.SPOOL_RESERVE = lambda _total: 0
    servers: list[tuple[Server, Admission]] = []

    def listen(*, is_demo: bool = False) -> Door:
        emergency = DepartmentFactory.create(code="emergency", name="Emergency")
        ApplicationEntity.objects.create(ae_title="CT1").departments.set([emergency])
        admission = Admission(ae_title="NEGATOSCOPE", is_demo=is_demo)
        admission.start()
        server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append((server, admission))
        return Door(server.server_address[1], services.spool(), emergency, admission, server)

    yield listen
    for server, admission in servers:
        if server.socket.fileno() >= 0:  # not stopped by the test itself
            server.stop(timedelta(seconds=5))
        admission.stop()


@pytest.fixture
def door(open_door: OpenDoor) -> Door:
    """A door as in production."""
    return open_door()
