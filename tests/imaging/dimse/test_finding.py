"""C-FIND over a real association: what is found, what is refused and in which words, and that storing goes on beside it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import config, datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from accounts.audit.models import AuditEvent
from accounts.models import Department
from imaging.dimse import finding, identifier, turns
from imaging.dimse.finding import STUDY_ROOT_FIND
from imaging.ingest.models import ApplicationEntity
from tests import searched_archive
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory
from tests.imaging.dimse.conftest import Door
from tests.imaging.dimse.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searched(door: Door, data_dir: Path) -> Door:
    """A door behind which there is something to find, for the workstation WS1."""
    elsewhere = DepartmentFactory.create(code="elsewhere")
    searched_archive.fill(data_dir, door.emergency, elsewhere)
    ApplicationEntity.objects.create(ae_title="WS1", may_query=True).departments.set([door.emergency])
    return door


def call(door: Door, *, title: str = "WS1", flags: bytes = b"", syntax: Any = ImplicitVRLittleEndian) -> Association:
    ae = AE(title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    negotiation = []
    if flags:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = STUDY_ROOT_FIND, flags
        negotiation.append(item)
    association = ae.associate(
        "127.0.0.1",
        door.port,
        contexts=[build_context(STUDY_ROOT_FIND, syntax)],
        ae_title="NEGATOSCOPE",
        ext_neg=negotiation,
    )
    assert association.is_established
    return association


def asked(level: str = "STUDY", charset: str = "ISO_IR 192", **keys: Any) -> Dataset:
    made = Dataset()
    if charset:
        made.SpecificCharacterSet = charset
    if level:
        made.QueryRetrieveLevel = level
    for name, value in keys.items():
        tag = datadict.tag_for_keyword(name)
        assert tag is not None
        # Questions may be as wrong as a peer's.
        made.add(DataElement(tag, datadict.dictionary_VR(tag), value, validation_mode=config.IGNORE))
    return made


def find(door: Door, question: Dataset, **how: Any) -> tuple[list[Dataset], Dataset]:
    """The matches and the final status."""
    association = call(door, **how)
    answers = list(association.send_c_find(question, STUDY_ROOT_FIND))
    association.release()
    matches = [match for _status, match in answers if match is not None]
    assert all(answer.Status in {0xFF00, 0xFF01} for answer, _match in answers[:-1])
    return matches, answers[-1][0]


def numbers(matches: list[Dataset]) -> list[int]:
    return sorted(int(str(match.StudyInstanceUID).rsplit(".", 1)[1]) for match in matches)


def test_studies_are_found_and_answered_in_what_was_asked_for(searched: Door) -> None:
    question = asked(
        PatientName="*durand*", StudyInstanceUID="", PatientID="", StudyDate="", NumberOfStudyRelatedInstances=""
    )
    matches, final = find(searched, question)
    assert (final.Status, numbers(matches)) == (0, [2, 3])
    found = next(match for match in matches if match.PatientID == "MRN002")
    assert str(found.PatientName) == "Durand^Hélène"
    assert (found.StudyDate, found.QueryRetrieveLevel, found.RetrieveAETitle) == ("20260103", "STUDY", "NEGATOSCOPE")
    assert int(found.NumberOfStudyRelatedInstances) == 4
    assert "AccessionNumber" not in found


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_answer_is_in_the_transfer_syntax_that_was_agreed(searched: Door, syntax: Any) -> None:
    question = asked(
        "IMAGE", StudyInstanceUID=searched_archive.uid(1), SeriesInstanceUID=f"{searched_archive.uid(1)}.2"
    )
    for name in ("SOPInstanceUID", "InstanceNumber", "Rows", "BitsAllocated", "SOPClassUID"):
        setattr(question, name, None)
    matches, final = find(searched, question, syntax=syntax)
    assert final.Status == 0
    assert [(int(match.InstanceNumber), match.Rows, match.BitsAllocated) for match in matches] == [
        (2, 8, 16),
        (1, 8, 16),
    ]


@pytest.mark.parametrize(
    ("charset", "name", "told"),
    [
        ("ISO_IR 100", "*HÉLÈNE*", "ISO_IR 100"),
        ("", "Durand^*", "ISO_IR 100"),
        ("", "Dupont^*", None),
        ("ISO_IR 100", "Nguyen*", "ISO_IR 192"),
        ("ISO_IR 192", "*太郎*", "ISO_IR 192"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "Yamada*", "ISO 2022 IR 6\\ISO 2022 IR 87"),
    ],
)
def test_answers_come_in_the_character_set_of_the_question_if_it_holds_them(
    searched: Door, charset: str, name: str, told: str | None
) -> None:
    question = asked(charset="", StudyInstanceUID="")
    if charset:
        question.SpecificCharacterSet = charset.split("\\")
    question.PatientName = name
    matches, final = find(searched, question)
    assert final.Status == 0
    assert matches
    for match in matches:
        number = int(str(match.StudyInstanceUID).rsplit(".", 1)[1])
        said = match.get("SpecificCharacterSet")
        assert (said if said is None or isinstance(said, str) else "\\".join(said)) in {told, None}
        match.decode()
        assert str(match.PatientName) == searched_archive.NAMES[number]


def test_series_and_images_are_found_below_what_is_named(searched: Door) -> None:
    series, final = find(
        searched,
        asked("SERIES", StudyInstanceUID=searched_archive.uid(3), SeriesNumber=None, SeriesDate="", Modality=""),
    )
    assert final.Status == 0
    assert sorted((int(row.SeriesNumber), row.Modality, row.SeriesDate) for row in series) == [
        (1, "US", "20260104"),
        (2, "SR", "20260104"),
    ]
    # Without their parents named, neither is of the model, unless relational queries were agreed upon.
    for level in ("SERIES", "IMAGE"):
        none, refused = find(searched, asked(level, PatientID="MRN003"))
        assert (none, refused.Status) == ([], 0xA900)
        assert "StudyInstanceUID must be one UID" in refused.ErrorComment
    related, final = find(searched, asked("SERIES", PatientID="MRN003", StudyInstanceUID=""), flags=b"\x01")
    assert (final.Status, numbers(related)) == (0, [3, 3])


def test_dates_and_times_are_one_span_only_where_that_was_agreed(searched: Door) -> None:
    question = asked(StudyDate="20260102-20260104", StudyTime="023000-", StudyInstanceUID="")
    assert numbers(find(searched, question)[0]) == [2, 3]
    assert numbers(find(searched, question, flags=b"\x00\x01")[0]) == [2, 3]
    question.StudyTime = "0200-0300"
    assert numbers(find(searched, question)[0]) == [2]
    assert numbers(find(searched, question, flags=b"\x00\x01")[0]) == [2]
    question.StudyTime = "0200-0200"
    assert numbers(find(searched, question)[0]) == []
    assert numbers(find(searched, question, flags=b"\x00\x01")[0]) == [2]


def test_fuzzy_names_are_matched_where_that_was_agreed(searched: Door) -> None:
    question = asked(PatientName="clair dupo", StudyInstanceUID="")
    assert numbers(find(searched, question)[0]) == []
    assert numbers(find(searched, question, flags=b"\x00\x00\x01")[0]) == [1]


@pytest.mark.parametrize(
    ("level", "keys", "status", "words"),
    [
        ("", {}, 0xA900, "Level"),
        ("PATIENT", {"PatientID": "1"}, 0xA900, "Level"),
        ("WORLD", {}, 0xA900, "Level"),
        ("STUDY", {"StudyDate": "20269999"}, 0xC000, "StudyDate"),
        ("STUDY", {"PatientName": "*a" * 31}, 0xC000, "wildcards"),
        ("STUDY", {"PatientID": "9" * 2000}, 0xC000, "too long"),
    ],
)
def test_what_is_no_question_is_refused_with_its_status_and_words(
    searched: Door, level: str, keys: dict[str, str], status: int, words: str
) -> None:
    matches, final = find(searched, asked(level, **keys))
    assert (matches, final.Status) == ([], status)
    assert words in final.ErrorComment


def test_keys_that_are_not_matched_are_told_by_the_pending_status(searched: Door) -> None:
    association = call(searched)
    question = asked(PatientID="MRN004", PatientComments="x", StudyInstanceUID="")
    answers = [status.Status for status, _match in association.send_c_find(question, STUDY_ROOT_FIND)]
    association.release()
    assert answers == [0xFF01, 0x0000]


def test_only_the_departments_of_a_peer_are_searched_and_only_if_it_may(searched: Door, emergency: Department) -> None:
    everything, _final = find(searched, asked(StudyInstanceUID=""))
    assert numbers(everything) == list(range(25))
    one = asked(StudyInstanceUID=searched_archive.uid(27))
    assert find(searched, one)[0] == []
    matches, final = find(searched, asked(StudyInstanceUID=""), title="CT1")
    assert (matches, final.Status) == ([], 0x0124)
    assert "may not search" in final.ErrorComment


def test_a_query_can_be_cancelled(searched: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imaging.dimse.find_exchange._LOT", 2)
    association = call(searched)
    states = []
    for status, _match in association.send_c_find(asked(StudyInstanceUID=""), STUDY_ROOT_FIND, msg_id=5):
        states.append(status.Status)
        if len(states) == 1:
            association.send_c_cancel(5, query_model=STUDY_ROOT_FIND)
    association.release()
    assert states[-1] == 0xFE00
    assert len(states) < 26


def test_more_matches_than_one_query_gives_are_told(searched: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_MATCHES", 7)
    monkeypatch.setattr(finding, "_BATCH", 3)
    matches, final = find(searched, asked(StudyInstanceUID=""))
    assert (len(matches), final.Status) == (7, 0xA700)
    assert final.ErrorComment == "More than 7 matches: narrow the search"


def test_objects_are_stored_while_every_turn_of_the_queries_is_taken(
    searched: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT", 0.2)
    entered, leave = threading.Event(), threading.Event()
    search = finding.studies.batches

    def slow(*args: Any, **names: Any) -> Iterator[Any]:
        entered.set()
        leave.wait(60)
        yield from search(*args, **names)

    monkeypatch.setattr("imaging.studies.finding.search.batches", slow)
    waiting = [
        threading.Thread(target=find, args=(searched, asked(StudyInstanceUID=""))) for _ in range(turns.MOST_AT_ONCE)
    ]
    for thread in waiting:
        thread.start()
    assert entered.wait(60)
    try:
        with searched.peer().associate() as sender:
            assert sender.store_dataset(arrivals.dataset())[0] == 0
        final = find(searched, asked(StudyInstanceUID=""))[1]
        while final.Status == 0xFF00:
            final = find(searched, asked(StudyInstanceUID=""))[1]
        assert final.Status == 0xA700
        assert "Too many searches" in final.ErrorComment
    finally:
        leave.set()
        for thread in waiting:
            thread.join(20)


def test_a_query_is_on_record(searched: Door) -> None:
    find(searched, asked(PatientName="Cher", StudyInstanceUID=""))
    assert eventually(lambda: AuditEvent.objects.filter(action="studies.queried").exists())
    (event,) = AuditEvent.objects.filter(action="studies.queried")
    assert (event.actor_kind, event.actor_name, event.door) == ("application_entity", "WS1", "dimse")
    assert event.detail == {"level": "study", "keys": {"PatientName": "Cher"}, "found": 1}


@pytest.mark.parametrize("octets", [b"\x08\x00", b"\xff" * 64, b"\x08\x00\x52\x00\xff\xff\xff\xff" + b"\0" * 40])
def test_bytes_that_are_no_data_set_are_not_understood(octets: bytes) -> None:
    with pytest.raises(identifier.NotUnderstood, match="cannot be read"):
        identifier.read(octets, ImplicitVRLittleEndian)


def test_an_empty_identifier_asks_for_nothing() -> None:
    assert identifier.read(b"", ImplicitVRLittleEndian).keys == ()
