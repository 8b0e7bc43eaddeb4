"""Bodies of several parts are what any mail parser reads back, and as long as was said before."""

import email
import email.policy

from imaging.dicomweb import multipart


def _parts() -> list[multipart.Part]:
    return [
        multipart.Part(
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", iter([b"ab\r\n", b"--c"]), 7, "/dicom-web/x"
        ),
        multipart.Part("image/jpeg", iter([b""]), 0),
        multipart.Part("application/octet-stream", iter([bytes(range(256))]), 256),
    ]


def test_a_parser_of_somebody_else_reads_the_parts_back() -> None:
    boundary = multipart.new_boundary()
    head = (
        f"Content-Type: {multipart.content_type('application/dicom', boundary)}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    )
    message = email.message_from_bytes(head + b"".join(multipart.write(_parts(), boundary)), policy=email.policy.HTTP)
    first, second, third = message.iter_parts()
    assert first.get_payload(decode=True) == b"ab\r\n--c"
    assert first["Content-Location"] == "/dicom-web/x"
    assert second.get_payload(decode=True) == b""
    assert third.get_payload(decode=True) == bytes(range(256))


def test_the_length_said_before_is_the_length_sent() -> None:
    boundary = multipart.new_boundary()
    assert multipart.length(_parts(), boundary) == len(b"".join(multipart.write(_parts(), boundary)))


def test_the_outer_type_names_the_transfer_syntax_that_viewers_look_for() -> None:
    outer = multipart.content_type("image/jls", "b", "1.2.840.10008.1.2.4.80")
    assert outer == 'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80; boundary=b'


def test_no_part_is_read_before_its_turn() -> None:
    asked = []

    def body(name: str):  # type: ignore[no-untyped-def]
        asked.append(name)
        yield b"x"

    pieces = multipart.write([multipart.Part("a/b", body("first"), 1), multipart.Part("a/b", body("second"), 1)], "b")
    next(pieces)
    assert asked == []
