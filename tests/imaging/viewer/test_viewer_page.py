"""The viewer's page: the first picture stands in its own HTML, whatever is ready by then, and little is asked before it."""

import re
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import User
from imaging.rendering.models import Rendition
from imaging.rendering.services import make_first_thumbnail
from imaging.studies.models import Series
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

IMAGES = 5
# Of a first page: person, scope and what is lent, the study and its audit, series, the picture, who may share it, all numbers.
QUERIES = 28


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def stack(archive: Archive) -> str:
    """A study of one series of some images, of which no picture was made yet."""
    study, series = arrivals.uid(), arrivals.uid()
    archive.receive(
        *(
            arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number + 1)
            for number in range(IMAGES)
        )
    )
    return study


def painted(reader: Client, study: str) -> str:
    """The address of the picture that the page is painted with, preloaded too; empty when there is none."""
    text = reader.get(f"/viewer/{study}/").content.decode()
    sources = re.findall(r'<img class="first-picture"[^>]*? src="([^"]+)"', text)
    ahead = re.findall(r'<link rel="preload" as="image" href="([^"]+)"', text)
    assert sources == ahead
    return sources[0] if sources else ""


def test_the_page_is_painted_with_the_picture_that_the_manifest_names(
    archive: Archive, decoders: Pool, reader: Client, stack: str
) -> None:
    archive.draw(stack)
    address = painted(reader, stack)
    assert "/preview?v=" in address
    assert reader.get(address).status_code == 200
    (series,) = orjson.loads(reader.get(f"/viewer/{stack}/manifest.json").content)["series"]
    assert series["preview_url"] == address


def test_while_a_study_arrives_any_picture_is_better_than_none(
    archive: Archive, decoders: Pool, reader: Client, stack: str
) -> None:
    assert painted(reader, stack) == ""
    make_first_thumbnail(Series.objects.get(study__study_instance_uid=stack).series_instance_uid)
    assert "/thumbnail?v=" in painted(reader, stack)
    archive.draw(stack)
    # The previews of all but the last image are not made yet.
    last = Rendition.objects.filter(kind="preview").order_by("-version__instance__instance_number").first()
    assert last is not None
    Rendition.objects.filter(kind="preview").exclude(pk=last.pk).update(state=Rendition.State.FAILED)
    address = painted(reader, stack)
    assert last.version.instance.sop_instance_uid in address
    assert reader.get(address).status_code == 200


def test_little_is_asked_before_the_page_is_sent(
    archive: Archive, decoders: Pool, reader: Client, stack: str, django_assert_max_num_queries: Any
) -> None:
    archive.draw(stack)
    with django_assert_max_num_queries(QUERIES):
        assert reader.get(f"/viewer/{stack}/").status_code == 200


def test_the_headers_of_the_first_series_are_asked_for_under_the_address_that_the_page_names(
    reader: Client, stack: str
) -> None:
    text = reader.get(f"/viewer/{stack}/").content.decode()
    found = re.search(r'data-headers="([^"]+)"', text)
    assert found is not None
    answer = reader.get(found[1], headers={"Accept": "application/dicom+json"})
    assert len(orjson.loads(b"".join(answer) if answer.streaming else answer.content)) == IMAGES


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_a_study_that_says_neither_what_nor_how_opens(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(Modality="", StudyDescription="", SeriesDescription="")
    archive.receive(made)
    assert archive.study(made.StudyInstanceUID).modalities == []
    answer = reader.get(f"/viewer/{made.StudyInstanceUID}/")
    assert answer.status_code == 200
