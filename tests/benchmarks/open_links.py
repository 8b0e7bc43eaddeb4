"""Links that are opened again and again, of studies of the demo hospital, before a web server that draws."""

from collections.abc import Callable
from typing import Final

import pytest

from imaging.sharing import door
from imaging.sharing.entrance import services as entrance
from imaging.sharing.making.services import Made
from imaging.sharing.models import SharePolicy
from imaging.studies.models import Study
from tests import memories
from tests.decoder_pools import Pool
from tests.studies_in_archive import DEMO, Archive

STUDIES: Final = {"chest film": "radiographs/chest-pa-metastases", "CT head": "ct-head"}
#: 10 Mbit/s each way in bytes a second, and milliseconds from a question to its answer at the least.
LINE: Final = {"offline": False, "latency": 80, "downloadThroughput": 1_250_000, "uploadThroughput": 1_250_000}


@pytest.fixture
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


@pytest.fixture
def drawn_by_a_pool(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server finds the decoder pool too."""
    monkeypatch.setenv("DECODER_SOCKET", str(pool.path))


@pytest.fixture
def demo(archive: Archive) -> Callable[[str], Study]:
    """A study of the demo hospital, drawn."""

    def received(name: str) -> Study:
        files = sorted((DEMO / STUDIES[name]).rglob("*.dcm"))
        uid = archive.uid_of(files[0])
        archive.receive(*(file for file in files if archive.uid_of(file) == uid))
        archive.draw(uid)
        return archive.study(uid)

    return received


@pytest.fixture
def many_opens(share_policy: Callable[..., SharePolicy]) -> None:
    """Links that are opened again and again, with nothing but the link."""
    share_policy(most_opens=1_000, factor_required=False)


def entered(made: Made, number: int = 0) -> dict[str, str]:
    """The cookie of somebody who has opened a link and given their second proof."""
    address = f"10.1.{number // 200}.{number % 200 + 1}"
    opened = entrance.open_share(made.share.key, secret=made.handed.secret, address=address, device="Chromium")
    if made.handed.proof:
        entrance.prove(opened.visit, made.handed.proof, address=address)
    return {"Cookie": f"{door.cookie_name(made.share.key)}={opened.token}"}
