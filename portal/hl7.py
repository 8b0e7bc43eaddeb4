"""Where the HL7 listener of HL7_* listens, and with which certificate."""

from dataclasses import dataclass
from pathlib import Path

from portal.variables import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7:
    """What the variables say. Without a certificate messages come in the clear, as most hospitals' interface engines send them."""

    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    #: Only senders with a certificate of this authority get through.
    clients_ca: Path | None = None


def read(reader: Reader) -> Hl7:
    """The listener of HL7_PORT; a variable that cannot be used is a sentence."""
    cert, key = reader.readable("HL7_TLS_CERT"), reader.readable("HL7_TLS_KEY")
    clients_ca = reader.readable("HL7_TLS_CLIENTS_CA")
    if (cert is None) != (key is None):
        reader.sentences.append("HL7_TLS_CERT and HL7_TLS_KEY go together: set both, or neither.")
    elif clients_ca is not None and cert is None:
        reader.sentences.append("HL7_TLS_CLIENTS_CA is set, but HL7_TLS_CERT, without which there is no TLS, is not.")
    return Hl7(port=reader.port("HL7_PORT", 2575), tls_cert=cert, tls_key=key, clients_ca=clients_ca)
