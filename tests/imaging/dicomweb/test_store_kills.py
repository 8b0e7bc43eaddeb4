"""The web server is killed while objects are stored: what was acknowledged is there, and sending all again loses nothing."""

import http.client
import json
import os
import signal
import threading
from contextlib import suppress

import pytest

from accounts.models import Department
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.imaging.dicomweb.stow import BOUNDARY, STUDIES, P, body
from tests.imaging.dimse import processes
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

_PER_REQUEST = 10


def _store(server: WebServer, key: str, contents: list[bytes]) -> list[str]:
    """The SOP Instance UIDs that the server said to keep."""
    connection = http.client.HTTPConnection("localhost", server.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
    }
    try:
        connection.request("POST", STUDIES, body=body(P(content) for content in contents), headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return [item["00081155"]["Value"][0] for item in json.loads(content)["00081199"]["Value"]]
    finally:
        connection.close()


def test_what_was_acknowledged_survives_a_kill(serve_web: ServeWeb, emergency: Department) -> None:
    key = issue_machine_key(emergency, name="ct").plaintext
    study, series = arrivals.uid(), arrivals.uid()
    made = [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
        for number in range(200)
    ]
    contents = {str(one.SOPInstanceUID): arrivals.encoded(one) for one in made}
    batches = [list(contents.values())[start : start + _PER_REQUEST] for start in range(0, len(made), _PER_REQUEST)]
    acknowledged: list[str] = []
    server = serve_web()

    def send() -> None:
        with suppress(OSError, http.client.HTTPException):
            for batch in batches:
                acknowledged.extend(_store(server, key, batch))

    sender = threading.Thread(target=send)
    sender.start()
    assert processes.eventually(lambda: len(acknowledged) >= 5 * _PER_REQUEST, within=120)
    for pid in server.pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    sender.join(60)
    assert 0 < len(acknowledged) < len(made)
    # What was said to be kept is kept, without help of anybody.
    versions = InstanceVersion.objects.filter(instance__sop_instance_uid__in=acknowledged).select_related(
        "instance", "stored_object"
    )
    assert {version.instance.sop_instance_uid for version in versions} == set(acknowledged)
    for version in versions:
        assert storage.read(version.stored_object) == contents[version.instance.sop_instance_uid]
    again = serve_web()
    told = [uid for batch in batches for uid in _store(again, key, batch)]
    assert told == list(contents)
    assert processes.eventually(lambda: Instance.objects.count() == len(made), within=120)
    assert InstanceVersion.objects.count() == len(made)
