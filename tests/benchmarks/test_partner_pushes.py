"""A CT of 200 slices into a partner's archive: images a second by C-STORE and by STOW-RS, and our memory meanwhile.

The partners are DCMTK's storescp, which keeps nothing, and a TLS server that reads and forgets.
"""

import re
import time
from pathlib import Path

import pytest

from accounts.models import Department
from accounts.outbound.models import OutboundHost
from imaging.sharing.models import Partner, PartnerTransfer
from imaging.studies.models import Study
from tests.benchmarks.test_downloads import study
from tests.benchmarks.timing import verdict
from tests.partner_archives import MakePartner, Push, StartElsewhere, now, work
from tests.receivers import Receiver
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

SLICES, EDGE = 200, 512
#: What a push keeps in memory at the most, in KiB: an object a hundred times as large takes no more.
GROWTH = 24 * 1024
IMAGES_A_SECOND = 50.0


def anonymous_kib() -> int:
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def measured(transfer: PartnerTransfer, name: str) -> None:
    before = anonymous_kib()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    grown = anonymous_kib() - before
    done = now(transfer)
    assert (done.state, done.sent) == (PartnerTransfer.State.DONE, SLICES)
    rate, megabytes = SLICES / seconds, done.octets / seconds / 1e6
    said = f"{SLICES} images in {seconds:.2f} s, {rate:.0f} images/s, {megabytes:.0f} MB/s, grown by {grown} KiB"
    print(f"{verdict(rate >= IMAGES_A_SECOND and grown <= GROWTH)} {name}: {said}")


def test_by_c_store(archive: Archive, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push) -> None:
    uid = study(archive, SLICES, EDGE)
    # By itself storescp holds back the second half of each answer until the first is acknowledged: other archives do not.
    lyon = elsewhere("--ignore", TCP_NODELAY="1")
    measured(push(Study.objects.get(study_instance_uid=uid), dimse_partner(lyon.port)), "push by C-STORE")


def test_by_stow(archive: Archive, receiver: Receiver, emergency: Department, push: Push) -> None:
    uid = study(archive, SLICES, EDGE)
    OutboundHost.objects.create(
        host="localhost",
        port=receiver.port,
        purpose="bench",
        networks=["127.0.0.1/32", "::1/128"],
        certificates=receiver.certificate,
    )
    receiver.status = 200
    receiver.keeps = False
    partner = Partner.objects.create(name="Park", address=f"https://localhost:{receiver.port}/dicom-web")
    partner.departments.set([emergency])
    measured(push(Study.objects.get(study_instance_uid=uid), partner), "push by STOW-RS")
