"""A share that is revoked while its study goes out, before the web server as it runs in a hospital: the rest does not come."""

import http.client
import os
import time

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.sharing.making import services
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.factories import arrivals
from tests.imaging.dimse.processes import eventually
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb

pytestmark = pytest.mark.django_db(transaction=True)

#: One object far larger than what sockets and servers hold on the way.
EDGE = 6000
#: Within so many seconds a download in flight stops.
PROMISED = 1.0


@pytest.fixture
def large(archive: Archive) -> Study:
    """A study of one image of 72 MB."""
    made = arrivals.dataset(Rows=EDGE, Columns=EDGE, PixelData=os.urandom(EDGE * EDGE * 2))
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


def test_it_ends_in_the_middle_of_an_object(
    large: Study, sharing: Sharing, outside: Client, alice: User, serve_web: ServeWeb
) -> None:
    memories.forget()
    made = sharing(large, factor=Factor.PRINTED, may_download=True)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    cookies = [f"{prefix}{one.key}={one.value}" for one in outside.cookies.values() for prefix in ("", "__Secure-")]
    server = serve_web(workers=1, threads=4)
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    connection.request("GET", f"/s/{made.share.key}/download", headers={"Cookie": "; ".join(cookies)})
    answer = connection.getresponse()
    assert answer.status == 200
    announced = int(answer.headers["Content-Length"])
    assert announced > EDGE * EDGE * 2
    received = len(answer.read(64 * 1024))
    services.revoke(made.share, words="", user=alice, actor=Actor("user", str(alice.pk), "alice"))
    revoked_at = time.monotonic()
    assert eventually(lambda: time.monotonic() - revoked_at > PROMISED, within=10)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
        answer.read()
    if isinstance(broken.value, http.client.IncompleteRead):
        received += len(broken.value.partial)
    connection.close()
    assert received < announced / 2, (received, announced)
    ended = AuditEvent.objects.filter(action="export.interrupted", subject_uid=large.study_instance_uid)
    assert eventually(ended.exists, within=30)
    assert ended.get().detail["reason"] == "no longer allowed"
