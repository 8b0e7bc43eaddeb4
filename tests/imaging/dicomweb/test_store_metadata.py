"""Instances described in JSON or XML, with bulk data in parts of their own, become what they describe."""

import io
import json
from collections import deque
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from accounts.models import Department
from accounts.services import IssuedKey
from imaging.dicom import part10
from imaging.dicomweb import store_metadata, store_xml
from imaging.dicomweb.store_assembly import Assembler
from imaging.dicomweb.store_metadata import BadMetadata, Gap
from imaging.ingest import quotas
from imaging.ingest import services as ingest
from imaging.ingest.models import Quota
from imaging.ingest.source import Source
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion
from tests.factories import arrivals
from tests.imaging.dicomweb.stow import P, Sender, Stored

BOUNDED = bounded(
    max_examples=200, deadline=2000, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
JSON, XML = "application/dicom+json", "application/dicom+xml"
CANNOT_UNDERSTAND, BULK_DATA_MISSING, PART_NOT_UNDERSTOOD, SYNTAX = 0xC000, 0xC001, 0xC002, 0xC122
PIXELS = np.arange(64, dtype="<u2").tobytes()


@pytest.fixture
def sender(data_dir: Path, settings: Any, machine: IssuedKey) -> Sender:
    """A machine of the emergency department."""
    settings.SPOOL_RESERVE = lambda _total: 0
    return Sender(Client(), {"Authorization": f"Bearer {machine.plaintext}"})


def described(made: Dataset, uri: str = "http://elsewhere.example/bulk/1") -> dict[str, Any]:
    """The data set as JSON, its pixels by name."""
    found: dict[str, Any] = made.to_json_dict()
    if "7FE00010" in found:
        found["7FE00010"] = {"vr": found["7FE00010"]["vr"], "BulkDataURI": uri}
    return found


def metadata(*datasets: dict[str, Any]) -> P:
    return P(json.dumps(list(datasets)).replace("Infinity", "1e999").encode(), JSON)


def octets(content: bytes = PIXELS, uri: str = "http://elsewhere.example/bulk/1", kind: str = "") -> P:
    return P(content, kind or "application/octet-stream", uri)


def read(answer: Stored) -> Dataset:
    (uid,) = answer.stored
    version = InstanceVersion.objects.get(instance__sop_instance_uid=uid)
    content = storage.read(version.stored_object)
    assert not part10.read_part10(io.BytesIO(content)).implicit_vr
    return pydicom.dcmread(io.BytesIO(content))


@pytest.mark.django_db
def test_a_described_instance_becomes_what_it_describes(sender: Sender) -> None:
    made = arrivals.dataset(
        PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
        PixelSpacing=[0.123456789012345678, 1],
        ImageType=["ORIGINAL", "PRIMARY"],
        RescaleSlope="1.5",
        FrameIncrementPointer=0x00280008,
        RecommendedDisplayFrameRateInFloat=None,
        LargestImagePixelValue=4095,
        TableTopLateralSetupDisplacement=None,
    )
    made.add_new(0x00189073, "FD", 3.25)
    made.add_new(0x00420011, "OB", b"%PDF-1.7 x")
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "T-1", "Épaule gauche"
    item.add_new(0x00081199, "SQ", [Dataset()])
    made.add_new(0x00082218, "SQ", [item])
    answer = sender.post(metadata(described(made)), octets(), root=JSON)
    assert (answer.status, answer.stored) == (200, [str(made.SOPInstanceUID)])
    stored = read(answer)
    assert stored.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert stored.PixelData == PIXELS
    assert stored.PixelSpacing == [pytest.approx(0.123456789012345678), 1]
    for element in made:
        if element.keyword not in {"PixelSpacing", "PixelData"}:
            assert stored[element.tag].value == element.value, element.keyword


@pytest.mark.django_db
def test_many_instances_of_one_part_are_told_one_by_one(sender: Sender) -> None:
    made = [arrivals.dataset() for _ in range(5)]
    datasets = [described(one, f"bulk-{number}") for number, one in enumerate(made)]
    parts = [octets(uri=f"bulk-{number}") for number in (3, 0, 1, 4)]
    answer = sender.post(metadata(*datasets), *parts, root=JSON)
    assert answer.status == 202
    assert sorted(answer.stored) == sorted(str(made[number].SOPInstanceUID) for number in (0, 1, 3, 4))
    assert answer.failed == {str(made[2].SOPInstanceUID): BULK_DATA_MISSING}
    assert not list(ingest.spool().incoming.iterdir())


@pytest.mark.django_db
def test_an_instance_without_bulk_data_needs_no_part(sender: Sender) -> None:
    made = arrivals.dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", PixelData=None)
    assert sender.post(metadata(described(made)), root=JSON).status == 200


@pytest.mark.django_db
def test_bulk_data_may_be_shared_and_may_lie_in_items(sender: Sender) -> None:
    made = [arrivals.dataset(), arrivals.dataset()]
    datasets = [described(one) for one in made]
    for one in datasets:
        one["00082112"] = {"vr": "SQ", "Value": [{"00420011": {"vr": "OB", "BulkDataURI": "odd"}}]}
    answer = sender.post(metadata(*datasets), octets(), octets(b"odd", "odd", "application/pdf"), root=JSON)
    assert answer.status == 200
    version = InstanceVersion.objects.get(instance__sop_instance_uid=made[1].SOPInstanceUID)
    stored = pydicom.dcmread(io.BytesIO(storage.read(version.stored_object)))
    assert stored.SourceImageSequence[0].EncapsulatedDocument == b"odd\0"
    assert stored.PixelData == PIXELS


@pytest.mark.django_db
def test_nothing_is_left_behind_of_instances_that_nobody_takes_any_more(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sender.objects(arrivals.encoded(arrivals.dataset())).status == 200
    Quota.objects.create(sender="*", objects_per_day=1)
    monkeypatch.setattr(ingest, "allowance", quotas.Allowance())
    datasets = [described(arrivals.dataset(), "shared") for _ in range(3)]
    own = []
    for number, one in enumerate(datasets):
        one["00420011"] = {"vr": "OB", "BulkDataURI": f"own-{number}"}
        own.append(octets(b"%PDF", f"own-{number}", "application/pdf"))
    # Complete at the same moment, of which the first is refused.
    assert sender.post(metadata(*datasets), *own, octets(uri="shared"), root=JSON).status == 507
    assert not list(ingest.spool().incoming.iterdir())


def test_instances_that_name_no_end_of_bulk_data_fill_no_memory(data_dir: Path, settings: Any) -> None:
    settings.SPOOL_RESERVE = lambda _total: 0
    endless = {f"0009{0x1000 + number:04X}": {"vr": "OB", "BulkDataURI": "x"} for number in range(5000)}
    with pytest.raises(BadMetadata):
        store_metadata.skeleton(endless)
    for gaps, instances in ((500, 5_000), (1, 200_000)):
        assembler = Assembler(ingest.spool(), Source(door="dicomweb", sender="RIS"))
        skeleton = store_metadata.skeleton(dict(list(endless.items())[:gaps]))
        with pytest.raises(BadMetadata):
            deque(map(assembler.expect, repeat(skeleton, instances)), maxlen=0)


@pytest.mark.parametrize(
    "content", [b"[" + b"{}," * 20_000 + b"{}]", b"[" + b"{}," * 5_000_000 + b"{}]", b"[" + b"[]," * 5_000_000 + b"[]]"]
)
def test_json_that_unpacks_to_far_more_than_its_size_is_refused(content: bytes) -> None:
    with pytest.raises(BadMetadata):
        next(store_metadata.read_json(content))


def test_private_creators_without_number_cost_no_more_than_their_size() -> None:
    lines = "".join(
        f'<DicomAttribute tag="{number:04X}0001" vr="LO" privateCreator="c"/>' for number in range(9, 60_000)
    )
    content = f"<NativeDicomModel>{lines}</NativeDicomModel>".encode()
    found = store_xml.read_xml(content)
    assert len(found) == 2 * (60_000 - 9)
    assert found["EA5F0010"] == {"vr": "LO", "Value": ["c"]}


@pytest.mark.django_db
@pytest.mark.parametrize("frames", [1, 2])
def test_compressed_frames_come_as_parts_of_the_same_name(sender: Sender, frames: int) -> None:
    source = pydicom.dcmread(str(pydicom.data.get_testdata_file("JPEG2000.dcm", download=False)))
    codestream = next(pydicom.encaps.generate_frames(source.PixelData, number_of_frames=1))
    source.NumberOfFrames = frames
    source.SpecificCharacterSet = "ISO_IR 100"
    kind = "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"
    answer = sender.post(metadata(described(source)), *([octets(codestream, kind=kind)] * frames), root=JSON)
    assert answer.status == 202
    assert answer.warnings == [0xB000]
    stored = read(answer)
    assert stored.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.91"
    found = list(pydicom.encaps.generate_frames(stored.PixelData, number_of_frames=frames))
    assert found == [codestream + b"\0" * (len(codestream) % 2)] * frames
    assert Instance.objects.get().sop_instance_uid == source.SOPInstanceUID


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["text/html", "image/jpeg; transfer-syntax=1.2.3", "image/x; transfer-syntax=../../x"])
def test_pixels_in_no_known_transfer_syntax_are_refused(sender: Sender, kind: str) -> None:
    made = arrivals.dataset()
    answer = sender.post(metadata(described(made)), octets(kind=kind), root=JSON)
    assert (answer.status, answer.failed) == (409, {str(made.SOPInstanceUID): SYNTAX})


@pytest.mark.django_db
def test_bulk_data_are_never_fetched_and_never_a_path(sender: Sender, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(PIXELS)
    for uri in (f"file://{secret}", str(secret), "../../secret", "http://localhost:1/bulk"):
        made = arrivals.dataset()
        answer = sender.post(metadata(described(made, uri)), root=JSON)
        assert (answer.status, answer.failed) == (409, {str(made.SOPInstanceUID): BULK_DATA_MISSING})
    made = arrivals.dataset()
    answer = sender.post(metadata(described(made, "/etc/passwd")), octets(uri="/etc/passwd"), root=JSON)
    assert answer.status == 200
    assert read(answer).PixelData == PIXELS


@pytest.mark.django_db
def test_bulk_data_that_no_instance_names_are_told(sender: Sender) -> None:
    answer = sender.post(metadata(described(arrivals.dataset())), octets(), octets(), octets(uri="x"), root=JSON)
    assert (answer.status, len(answer.stored)) == (202, 1)
    assert answer.other_failures == [PART_NOT_UNDERSTOOD] * 2


@pytest.mark.django_db
def test_the_study_of_the_address_is_enforced_for_described_instances(sender: Sender) -> None:
    made = arrivals.dataset()
    answer = sender.post(metadata(described(made)), octets(), root=JSON, study="1.2.3")
    assert (answer.status, answer.failed) == (409, {str(made.SOPInstanceUID): 0xA901})


@pytest.mark.django_db
def test_a_described_instance_sent_again_changes_nothing(sender: Sender) -> None:
    made = arrivals.dataset()
    for _ in range(2):
        assert sender.post(metadata(described(made)), octets(), root=JSON).status == 200
    assert InstanceVersion.objects.count() == 1


def native(made: Dataset) -> bytes:
    """The data set as XML, written here: attributes of the top level, one item, a person name."""

    def attribute(element: pydicom.DataElement) -> str:
        values = element.value if element.VM > 1 else [element.value]
        head = f'<DicomAttribute tag="{element.tag:08X}" vr="{element.VR}" keyword="{element.keyword}">'
        if element.VR == "PN":
            return head + _name(values[0]) + "</DicomAttribute>"
        if element.tag == 0x7FE00010:
            return head + '<BulkData uri="urn:bulk"/></DicomAttribute>'
        numbered = [f'<Value number="{number}">{value}</Value>' for number, value in enumerate(values, 1)]
        return head + "".join(reversed(numbered)) + "</DicomAttribute>"

    private = (
        '<DicomAttribute tag="00110002" vr="LO" privateCreator="ACME &lt;b&gt;"><Value number="1">x</Value></DicomAttribute>'
        '<DicomAttribute tag="00082218" vr="SQ"><Item number="1"><DicomAttribute tag="00080104" vr="LO">'
        '<Value number="1">Épaule</Value></DicomAttribute></Item></DicomAttribute>'
    )
    inner = "".join(attribute(element) for element in made) + private
    space = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="{space}">{inner}</NativeDicomModel>'.encode()
    )


def _name(value: Any) -> str:
    return (
        f'<PersonName number="1"><Alphabetic><FamilyName>{value.family_name}</FamilyName>'
        f"<GivenName>{value.given_name}</GivenName></Alphabetic></PersonName>"
    )


@pytest.mark.django_db
def test_xml_says_the_same_as_json(sender: Sender) -> None:
    made = arrivals.dataset(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    answer = sender.post(P(native(made), XML), octets(uri="urn:bulk"), root=XML)
    assert answer.status == 200
    stored = read(answer)
    for element in made:
        assert stored[element.tag].value == element.value, element.keyword
    assert stored[0x00110010].value == "ACME <b>"
    assert stored[0x00111002].value == "x"
    assert stored.AnatomicRegionSequence[0].CodeMeaning == "Épaule"


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<NativeDicomModel>&b;</NativeDicomModel>"""
REMOTE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><NativeDicomModel>&a;</NativeDicomModel>"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (LAUGHS, XML),
        (REMOTE, XML),
        (b"<html/>", XML),
        (b"<NativeDicomModel>" + b"<DicomAttribute tag='00082218' vr='SQ'><Item>" * 5000, XML),
        (b"\xff\xfe", XML),
        (b"not json", JSON),
        (b"[" * 100_000, JSON),
        (b"7", JSON),
        (b'[{"00080018": {"vr": "UI", "Value": [NaN]}}]', JSON),
        (b" " * (store_metadata.JSON_OCTETS + 1), JSON),
        (b" " * (store_xml.XML_OCTETS + 1), XML),
    ],
)
def test_metadata_that_cannot_be_read_are_told_and_harm_no_other(sender: Sender, content: bytes, kind: str) -> None:
    made = arrivals.dataset()
    answer = sender.post(P(content, kind), metadata(described(made)), octets(), root=JSON)
    assert answer.status == 202
    assert answer.other_failures == [PART_NOT_UNDERSTOOD]
    assert answer.stored == [str(made.SOPInstanceUID)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"0010001": {"vr": "LO"}},
        {"00100010": "text"},
        {"00100010": {"vr": "XX", "Value": ["x"]}},
        {"00280010": {"vr": "US", "Value": [70_000]}},
        {"00280010": {"vr": "US", "Value": "x"}},
        {"00180050": {"vr": "DS", "Value": [10**400]}},
        {"00180050": {"vr": "DS", "Value": [float("1e308") * 10]}},
        {"00200013": {"vr": "IS", "Value": [1.5]}},
        {"00280010": {"vr": "US", "Value": [None]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": 7}]}},
        {"00080016": {"vr": "UI", "Value": ["é"]}},
        {"00100020": {"vr": "LO", "Value": ["x" * 70_000]}},
        {"00100020": {"vr": "LO", "Value": ["x"], "InlineBinary": ""}},
        {"00420011": {"vr": "OB", "InlineBinary": "§"}},
        {"00420011": {"vr": "OB", "Value": [1]}},
        {"00420011": {"vr": "OB", "BulkDataURI": ""}},
        {"00082218": {"vr": "SQ", "Value": ["x"]}},
        {"0028000a": {"vr": "IS"}, "0028000A": {"vr": "IS"}},
    ],
)
def test_a_described_instance_that_makes_no_sense_is_told_by_its_name(sender: Sender, changes: dict[str, Any]) -> None:
    made, good = arrivals.dataset(), arrivals.dataset()
    answer = sender.post(
        metadata({**described(made), **changes}, described(good, "good")), octets(), octets(uri="good"), root=JSON
    )
    assert answer.status == 202
    assert CANNOT_UNDERSTAND in {*answer.failed.values(), *answer.other_failures}
    assert answer.stored == [str(good.SOPInstanceUID)]


@pytest.mark.django_db
def test_what_belongs_to_the_file_is_left_out_and_said_so(sender: Sender, emergency: Department) -> None:
    made = described(arrivals.dataset())
    made["00020010"] = {"vr": "UI", "Value": ["1.2.840.10008.1.2.2"]}
    answer = sender.post(metadata(made), octets(), root=JSON)
    assert (answer.status, answer.warnings) == (202, [0xB006])
    assert read(answer).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)),
    max_leaves=8,
)
attributes = st.fixed_dictionaries(
    {
        "vr": st.sampled_from(
            ["AE", "AT", "CS", "DS", "IS", "PN", "UI", "SQ", "US", "FD", "UV", "OB", "UN", "LT", "", "ZZ"]
        )
    },
    optional={"Value": st.one_of(values, st.lists(values, max_size=3)), "InlineBinary": values, "BulkDataURI": values},
)
tags = st.one_of(st.from_regex(r"[0-9A-Fa-f]{8}", fullmatch=True), st.text(max_size=9))


@BOUNDED
@given(st.dictionaries(tags, st.one_of(attributes, values), max_size=5))
def test_any_json_is_written_as_a_data_set_or_refused(dataset: dict[str, Any]) -> None:
    try:
        made = store_metadata.skeleton(dataset)
    except BadMetadata:
        return
    assert all(isinstance(segment, (bytes, Gap)) for segment in made.segments)
    content = b"".join(segment for segment in made.segments if isinstance(segment, bytes))
    assert len(content) % 2 == 0


@BOUNDED
@given(st.one_of(st.binary(max_size=300), st.text(alphabet="<>/= '\"DicomAttribuetgvrSQItem08", max_size=200)))
def test_any_xml_is_read_or_refused(content: bytes | str) -> None:
    inner = content if isinstance(content, bytes) else content.encode()
    for written in (inner, b"<NativeDicomModel>" + inner + b"</NativeDicomModel>"):
        try:
            store_xml.read_xml(written)
        except BadMetadata:
            continue
