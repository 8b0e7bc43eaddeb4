"""Blocks out of a stream, text out of bytes, fields out of text, and what the sender is answered. No database."""

import unicodedata
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ehr.hl7 import acknowledgements, charsets
from imaging.ehr.hl7.framing import Blocks, NotFramed, framed
from imaging.ehr.hl7.message import headline, read
from imaging.ehr.hl7.persons import person
from imaging.ehr.hl7.refusals import Code, Refused
from tests.imaging.ehr.sent import adt

NOW = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


class TestFraming:
    @given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\x1c", b"")), max_size=5), st.data())
    def test_blocks_come_out_as_they_went_in_however_they_were_cut(
        self, sent: list[bytes], data: st.DataObject
    ) -> None:
        stream = b"".join(framed(block) for block in sent)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        blocks = Blocks(1000)
        found: list[bytes] = []
        for start, end in pairwise([0, *cuts, len(stream)]):
            found += blocks.feed(stream[start:end])
        assert found == sent
        assert not blocks.is_within

    def test_what_stands_before_a_block_is_passed_over(self) -> None:
        assert Blocks(100).feed(b"\r\n noise" + framed(b"MSH")) == [b"MSH"]

    def test_a_stream_without_any_block_ends(self) -> None:
        with pytest.raises(NotFramed):
            Blocks(100).feed(b"GET / HTTP/1.1\r\n" * 5000)

    def test_a_block_that_is_too_long_ends_before_it_is_kept(self) -> None:
        blocks = Blocks(100)
        blocks.feed(b"\x0b" + b"x" * 100)
        with pytest.raises(NotFramed):
            blocks.feed(b"x")


class TestCharacterSets:
    @pytest.mark.parametrize(
        ("declared", "codec"),
        [("UNICODE UTF-8", "utf-8"), ("8859/1", "latin-1"), ("8859/15", "iso8859-15"), ("", "latin-1")],
    )
    def test_a_name_is_the_same_in_every_set(self, declared: str, codec: str) -> None:
        raw = adt("A04", name="Lefèvre^Hélène", charset=declared, codec=codec)
        assert person(read(raw, headline(raw), fallback="latin-1")).patient_name == "Lefèvre^Hélène"

    def test_the_ligature_of_8859_15_is_read(self) -> None:
        """Pitfall 13, HL-10."""
        raw = adt("A04", name="Lebœuf^Anne", charset="8859/15", codec="iso8859-15")
        assert person(read(raw, headline(raw), fallback="latin-1")).patient_name == "Lebœuf^Anne"

    def test_latin_bytes_declared_as_utf_8_are_read_by_the_senders_own_set(self) -> None:
        """Pitfall 13."""
        raw = adt("A04", name="Lefèvre^Hélène", charset="UNICODE UTF-8", codec="latin-1")
        message = read(raw, headline(raw), fallback="iso8859-1")
        assert person(message).patient_name == "Lefèvre^Hélène"
        assert message.codec == "iso8859-1"

    def test_letters_and_accents_apart_become_one(self) -> None:
        """Pitfall 13."""
        raw = adt("A04", name=unicodedata.normalize("NFD", "Hélène^É"))
        assert person(read(raw, headline(raw), fallback="ascii")).patient_name == "Hélène^É"

    def test_what_no_set_reads_is_refused_and_nothing_replaced(self) -> None:
        raw = adt("A04", name="Lefèvre", charset="UNICODE UTF-8", codec="latin-1")
        with pytest.raises(Refused) as refused:
            read(raw, headline(raw), fallback="ascii")
        assert (refused.value.code, refused.value.location) == (Code.DATA_TYPE, "MSH^1^18")

    def test_a_set_that_nobody_reads_is_named(self) -> None:
        raw = adt("A04", charset="ISO IR6")
        assert charsets.codec_of("ISO IR6") is None
        with pytest.raises(Refused) as refused:
            read(raw, headline(raw), fallback="ascii")
        assert refused.value.code is Code.NOT_IN_TABLE


class TestDamage:
    @pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\t", b"\r\n ", b"\n"])
    @pytest.mark.parametrize("ending", [b"\r", b"\n", b"\r\n"])
    @pytest.mark.parametrize("has_last", [True, False])
    def test_line_ends_marks_and_blanks_do_not_matter(self, before: bytes, ending: bytes, has_last: bool) -> None:
        """Pitfall 33."""
        raw = before + adt("A04").replace(b"\r", ending)
        raw = raw if has_last else raw.rstrip(b"\r\n")
        found = person(read(raw, headline(raw), fallback="ascii"))
        assert (found.identifiers[0].value, found.sex) == ("P1", "F")

    @pytest.mark.parametrize("kind", ["ADT^A08", "ADT^A08^ADT_A39", "ADT^A08^nonsense", "adt^a08"])
    def test_the_structure_of_the_header_is_never_believed(self, kind: str) -> None:
        """Pitfall 31."""
        raw = adt("A08", kind=kind)
        message = read(raw, headline(raw), fallback="ascii")
        assert (message.code, message.event) == ("ADT", "A08")

    def test_the_event_may_stand_in_evn_alone(self) -> None:
        """Pitfall 31."""
        raw = adt("A08", kind="ADT")
        assert read(raw, headline(raw), fallback="ascii").event == "A08"

    @pytest.mark.parametrize("version", ["2.3.1", "2.5", "2.5^FRA^2.10", "2.7", ""])
    def test_every_version_two_is_read(self, version: str) -> None:
        """Pitfall 31."""
        raw = adt("A08", version=version)
        assert read(raw, headline(raw), fallback="ascii").event == "A08"

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", Code.SEGMENT_ORDER),
            (b"MSH", Code.SEGMENT_ORDER),
            (b"MSH|", Code.SEGMENT_ORDER),
            (b"PID|1||P1", Code.SEGMENT_ORDER),
            (b"GET / HTTP/1.1", Code.SEGMENT_ORDER),
            (b"MSH|^~|HIS|X||||||1|P|2.5", Code.FIELD_MISSING),
            (b"MSH|^^^^|HIS|X||||ADT^A04|7|1|P|2.5", Code.DATA_TYPE),
            (b"MSH|^~\\&|HIS|X||||||ADT^A04", Code.FIELD_MISSING),
            (b"MSH|^~\\&|HIS|X|||||ADT^A04||P|2.5", Code.FIELD_MISSING),
            (b"MSH|^~\\&|HIS|X|||||ADT^A04|1|P|3.0", Code.VERSION),
        ],
    )
    def test_a_damaged_header_is_refused_by_name(self, raw: bytes, code: Code) -> None:
        with pytest.raises(Refused) as refused:
            read(raw, headline(raw), fallback="ascii")
        assert refused.value.code is code

    @given(st.binary(max_size=300))
    def test_no_bytes_break_the_reader(self, noise: bytes) -> None:
        for raw in (noise, b"MSH|^~\\&|" + noise, adt("A04")[:90] + noise):
            try:
                message = read(raw, headline(raw), fallback="iso8859-1")
                person(message)
            except Refused:
                continue

    def test_escapes_write_no_line_ends_into_a_field(self) -> None:
        """SE-6: what is kept may not forge a line of a log or a list."""
        raw = adt("A04", name="Du\\X0D0A\\rand\\.br\\X^Hélène")
        name = person(read(raw, headline(raw), fallback="ascii")).patient_name
        assert name is not None
        assert name.isprintable()


class TestAnswers:
    def answer(self, raw: bytes, code: str = "AA", why: Refused | None = None) -> list[str]:
        return acknowledgements.answers(headline(raw), code, own_id="NEG1", at=NOW, why=why)

    def test_the_header_goes_back_the_other_way_round(self) -> None:
        """HL-3."""
        (text,) = self.answer(adt("A08", control_id="77"))
        msh, msa = text.rstrip("\r").split("\r")
        fields = msh.split("|")
        assert fields[2:6] == ["PORTAL", "RADIOLOGY", "HIS", "DEMO HOSPITAL"]
        assert (fields[8], fields[9], fields[10], fields[11]) == ("ACK^A08^ACK", "NEG1", "P", "2.5.1")
        assert fields[16:] == ["FRA", "UNICODE UTF-8"]
        assert msa == "MSA|AA|77"

    def test_an_error_says_where_and_why(self) -> None:
        """HL-5."""
        why = Refused(Code.FIELD_MISSING, "PID^1^3", "There is no | identifier.")
        (text,) = self.answer(adt("A08", control_id="77"), "AE", why)
        assert "\rMSA|AE|77\r" in text
        assert "\rERR||PID^1^3|101^Required field missing^HL70357|E||||There is no \\F\\ identifier.\r" in text

    def test_an_old_receiver_finds_the_sentence_where_it_looks(self) -> None:
        why = Refused(Code.FIELD_MISSING, "PID^1^3", "There is no identifier.")
        (text,) = self.answer(adt("A08", control_id="77", version="2.3.1"), "AE", why)
        assert text.endswith("MSA|AE|77|There is no identifier.\r")

    @pytest.mark.parametrize(
        ("asked", "code", "told"),
        [
            ("AL|NE", "AA", ["CA"]),
            ("NE|AL", "AA", ["AA"]),
            ("AL|AL", "AE", ["CE", "AE"]),
            ("NE|NE", "AA", []),
            ("ER|SU", "AR", ["CR"]),
            ("SU|ER", "AA", ["CA"]),
        ],
    )
    def test_enhanced_mode_says_what_was_asked_for(self, asked: str, code: str, told: list[str]) -> None:
        """HL-6."""
        raw = adt("A08").replace(b"|2.5.1|||||FRA", f"|2.5.1|||{asked}|FRA".encode())
        assert [text.split("MSA|")[1][:2] for text in self.answer(raw, code)] == told

    def test_other_separators_are_kept(self) -> None:
        raw = adt("A08", control_id="77").replace(b"^", b"*").replace(b"|", b"#")
        (text,) = self.answer(raw)
        assert text.startswith("MSH#*~\\&#PORTAL#RADIOLOGY#HIS#")
        assert "#ACK*A08*ACK#" in text
