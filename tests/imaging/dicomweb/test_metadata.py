"""Headers as DICOM JSON at three levels, with a version, and bulk data by address."""

import gzip

import orjson
import pytest
from django.test import Client

from accounts.models import User
from tests.factories import arrivals
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def test_three_levels_give_the_same_headers(archive: Archive, reader: Client) -> None:
    study, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in (1, 2)]
    archive.receive(*made)
    there = addresses(made[0])
    whole = orjson.loads(reader.get(there.all["study metadata"]).content)
    assert whole == orjson.loads(reader.get(there.all["series metadata"]).content)
    assert whole[:1] == orjson.loads(reader.get(there.all["instance metadata"]).content)
    assert [entry["00200013"]["Value"] for entry in whole] == [[1], [2]]
    assert whole[0]["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Durand^Hélène"}]}
    assert "7FE00010" not in whole[0]


def test_the_version_changes_when_more_arrives_and_not_before(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    address = addresses(made).all["series metadata"]
    tag = reader.get(address).headers["ETag"]
    assert reader.get(address, headers={"If-None-Match": tag}).status_code == 304
    more = arrivals.dataset(
        StudyInstanceUID=made.StudyInstanceUID, SeriesInstanceUID=made.SeriesInstanceUID, InstanceNumber=2
    )
    archive.receive(more)
    assert reader.get(address, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("application/dicom+json", 200, "application/dicom+json"),
        ("application/json", 200, "application/json"),
        ("*/*", 200, "application/dicom+json"),
        ("multipart/related; type=application/dicom+xml, application/dicom+json;q=0.5", 200, "application/dicom+json"),
        ('multipart/related; type="application/dicom+xml"', 406, "application/json"),
        ("text/html", 406, "application/json"),
    ],
)
def test_json_is_given_and_xml_is_not(accept: str, status: int, kind: str, archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    response = reader.get(addresses(made).all["study metadata"], headers={"Accept": accept})
    assert response.status_code == status
    assert response.headers["Content-Type"] == kind


def test_a_big_value_is_given_by_address_and_found_there(archive: Archive, reader: Client) -> None:
    document = bytes(range(256)) * 1024
    made = arrivals.dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1", PixelData=None, Rows=None, Columns=None, Modality="DOC"
    )
    made.EncapsulatedDocument = document
    archive.receive(made)
    (entry,) = orjson.loads(reader.get(addresses(made).all["instance metadata"]).content)
    address = entry["00420011"]["BulkDataURI"]
    assert address.startswith("http://testserver/dicom-web/studies/")
    response = reader.get(address)
    assert response.getvalue() == document  # type: ignore[attr-defined]
    assert response.headers["Content-Type"] == "application/octet-stream"
    some = reader.get(address, headers={"Range": "bytes=1000-1003"})
    assert (some.status_code, some.getvalue()) == (206, document[1000:1004])  # type: ignore[attr-defined]


def test_native_pixels_are_bulk_data_too_and_other_values_are_not(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    there = addresses(made)
    assert reader.get(there.all["bulk data"]).getvalue() == made.PixelData  # type: ignore[attr-defined]
    assert reader.get(f"{there.dicom_web}/bulkdata/00091001").status_code == 404
    assert reader.get(f"{there.dicom_web}/bulkdata/../../../etc/passwd").status_code == 400


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2"])
def test_bulk_data_are_little_endian_and_plain_whatever_was_sent(syntax: str, archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(Rows=512, Columns=512)
    made.PixelData = b"\x01\x02" * (512 * 512)
    archive.receive(arrivals.encoded(made, syntax))
    expected = b"\x02\x01" if syntax.endswith("1.2.2") else b"\x01\x02"
    address = addresses(made).all["bulk data"]
    assert reader.get(address).getvalue() == expected * (512 * 512)  # type: ignore[attr-defined]
    some = reader.get(address, headers={"Range": "bytes=300001-300003"})
    assert some.getvalue() == (expected * 4)[1:4]  # type: ignore[attr-defined]


def test_headers_go_out_packed_to_who_takes_that(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    address = addresses(made).all["series metadata"]
    plain = reader.get(address)
    for _ in range(2):
        packed = reader.get(address, headers={"Accept-Encoding": "br, gzip;q=0.8"})
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] != plain["ETag"]
    assert "Accept-Encoding" in packed["Vary"]
    assert "Accept-Encoding" in plain["Vary"]
    both = {"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]}
    assert reader.get(address, headers=both).status_code == 304
    assert "Content-Encoding" not in reader.get(address, headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_what_is_remembered_of_a_series_is_not_given_for_an_image_of_it(archive: Archive, reader: Client) -> None:
    study, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in (1, 2)]
    archive.receive(*made)
    there = addresses(made[1])
    for _ in range(2):
        assert len(orjson.loads(reader.get(there.all["series metadata"]).content)) == 2
        (alone,) = orjson.loads(reader.get(there.all["instance metadata"]).content)
        assert alone["00200013"]["Value"] == [2]
