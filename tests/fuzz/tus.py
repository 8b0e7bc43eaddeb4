"""Any text as the headers of the tus protocol: a value within its bounds, or ``Malformed``; names never leave their folder."""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["imaging.ingest.uploads.protocol", "imaging.ingest.uploads.names"]):
    from imaging.ingest.uploads import names, protocol


def once(data: bytes) -> None:
    """Read ``data`` as each of the headers."""
    text = data.decode("latin-1")
    with suppress(protocol.Malformed):
        assert 0 <= protocol.number(text, "Upload-Length") < 10**19
    with suppress(protocol.Malformed):
        protocol.checksum(text)
    with suppress(protocol.Malformed):
        for key, value in protocol.metadata(text).items():
            assert key.isascii()
            shown = names.shown(value)
            assert len(shown) <= 500
            assert shown.isprintable()


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
