"""Headers as lines: everything received can be read, nothing received can be endless."""

from imaging.dicom.header_listing import LONGEST_VALUE, LONGEST_WHOLE, listing


def test_names_come_from_the_dictionary_and_values_are_joined() -> None:
    lines = list(
        listing(
            {
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane", "Ideographic": "山田"}]},
                "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
            }
        )
    )
    assert [(line.tag, line.name, line.value) for line in lines] == [
        ("(0008,0061)", "Modalities in Study", "CT \\ SR"),
        ("(0010,0010)", "Patient's Name", "Doe^Jane=山田"),
    ]


def test_private_attributes_are_named_by_their_creator() -> None:
    creator, known, unknown = listing(
        {
            "00290010": {"vr": "LO", "Value": ["SIEMENS CSA HEADER"]},
            "00291008": {"vr": "CS", "Value": ["IMAGE NUM 4"]},
            "002910FE": {"vr": "LO", "Value": ["?"]},
        }
    )
    assert creator.is_private
    assert known.name.startswith("SIEMENS CSA HEADER: ")
    assert unknown.name == "SIEMENS CSA HEADER"


def test_sequences_open_in_place_one_deeper() -> None:
    lines = list(listing({"00081110": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2"]}}, {}]}}))
    assert [(line.depth, line.name) for line in lines] == [
        (0, "Referenced Study Sequence"),
        (1, "#1"),
        (1, "Referenced SOP Class UID"),
        (1, "#2"),
    ]


def test_bytes_are_counted_and_never_shown() -> None:
    (inline, bulk) = listing(
        {"00189999": {"vr": "OB", "InlineBinary": "AAAA"}, "7FE00010": {"vr": "OW", "BulkDataURI": "x"}}
    )
    assert inline.value == "[3 bytes]"
    assert bulk.value == "[…]"


def test_a_long_value_is_cut_and_says_so() -> None:
    (line,) = listing({"00104000": {"vr": "LT", "Value": ["x" * 10_000]}})
    assert line.is_cut
    assert len(line.value) == LONGEST_VALUE


def test_endless_nesting_ends() -> None:
    nested: dict[str, object] = {}
    for _ in range(3000):
        nested = {"00081110": {"vr": "SQ", "Value": [nested]}}
    assert len(list(listing(nested))) < 100


def test_what_is_no_dicom_json_is_left_out() -> None:
    assert list(listing({"x": {}, "00100010": "y", "zzzzzzzz": {"vr": "LO", "Value": [1, None, {}]}})) != []


def test_a_tag_is_found_as_it_is_written_and_as_digits() -> None:
    (line,) = listing({"00100020": {"vr": "LO", "Value": ["0061 7742"]}})
    assert all(line.holds(text) for text in ("0010,0020", "00100020", "patient id", "7742"))
    assert not line.holds("nowhere")


def test_each_line_says_the_way_to_it_and_by_which_keyword_programs_know_it() -> None:
    lines = list(listing({"00081110": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2"]}}, {}]}}))
    assert [line.path for line in lines] == [
        "(0008,1110)",
        "(0008,1110)[0]",
        "(0008,1110)[0].(0008,1150)",
        "(0008,1110)[1]",
    ]
    assert [line.keyword for line in lines] == ["ReferencedStudySequence", "", "ReferencedSOPClassUID", ""]
    assert lines[2].holds("referencedsopclassuid")


def test_what_is_shown_of_all_long_values_together_has_an_end() -> None:
    lines = list(listing({f"0040A0{n:02X}": {"vr": "UT", "Value": ["x" * 100_000]} for n in range(40)}))
    assert all(line.is_cut for line in lines)
    assert len(lines[0].whole) == LONGEST_WHOLE
    assert sum(len(line.whole) for line in lines) <= 256 * 1024
    assert lines[-1].whole == ""
