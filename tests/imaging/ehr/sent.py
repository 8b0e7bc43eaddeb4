"""Messages as a hospital's register sends them."""

import base64
from itertools import count

_numbers = count(1)

MSH = (
    "MSH|^~\\&|{application}|{facility}|PORTAL|RADIOLOGY|20260105083000+0100||{kind}|{control_id}|{processing}|{version}"
    "|||||FRA|{charset}"
)

PDF = b"%PDF-1.4\n%%EOF\n"
WORDS = (
    "OBX|2|FT|18782-3^Findings^LN||Nodules \\T\\ scars.\\.br\\Heart normal.||||||F",
    "OBX|3|FT|19005-8^Impression^LN||Metastases.||||||F",
)


def adt(
    event: str,
    *,
    pid: str = "P1^^^HOSPITAL^MR",
    name: str = "Durand^Hélène",
    born: str = "19700102",
    sex: str = "F",
    mrg: str | None = None,
    extra: str = "",
    control_id: str = "",
    kind: str = "",
    charset: str = "UNICODE UTF-8",
    codec: str = "utf-8",
    application: str = "HIS",
    facility: str = "DEMO HOSPITAL",
    processing: str = "P",
    version: str = "2.5.1",
) -> bytes:
    """One message of the type ADT; ``extra`` stands at the end of PID."""
    header = MSH.format(
        application=application,
        facility=facility,
        kind=kind or f"ADT^{event}^ADT_A01",
        control_id=control_id or f"M{next(_numbers)}",
        processing=processing,
        version=version,
        charset=charset,
    )
    segments = [header, f"EVN|{event}|20260105083000", f"PID|1||{pid}||{name}||{born}|{sex}{extra}"]
    segments.append("PV1|1|O|RAD^^^DEMO" if mrg is None else f"MRG|{mrg}")
    return ("\r".join(segments) + "\r").encode(codec)


def order(
    control: str = "NW",
    *,
    kind: str = "ORM^O01^ORM_O01",
    placer: str = "PON1^HIS",
    orc: str = "",
    obr: dict[int, str] | None = None,
    after: tuple[str, ...] = (),
    pid: str = "P1^^^HOSPITAL^MR",
    ward: str = "RAD",
    control_id: str = "",
) -> bytes:
    """One order message: ``orc`` stands from ORC-3 on, ``obr`` are fields of OBR by number, ``after`` whole segments behind it."""
    fields = {2: placer, 4: "CT1^CT of the thorax^L", **(obr or {})}
    row = ["OBR", "1", *(fields.get(number, "") for number in range(2, max(fields) + 1))]
    header = MSH.format(
        application="HIS",
        facility="DEMO HOSPITAL",
        kind=kind,
        control_id=control_id or f"M{next(_numbers)}",
        processing="P",
        version="2.5.1",
        charset="UNICODE UTF-8",
    )
    segments = [
        header,
        f"PID|1||{pid}||Durand^Hélène||19700102|F",
        f"PV1|1|O|{ward}^^^DEMO",
        f"ORC|{control}|{placer}|{orc}",
        "|".join(row),
        *after,
    ]
    return ("\r".join(segments) + "\r").encode()


def oru(
    *observations: str,
    status: str = "F",
    accession: str = "A77",
    uid: str = "",
    placer: str = "",
    pid: str = "P1^^^HOSPITAL^MR",
    born: str = "19700102",
    control_id: str = "",
    kind: str = "ORU^R01^ORU_R01",
    application: str = "HIS",
    groups: tuple[str, ...] = (),
) -> bytes:
    """A result; without a UID it names the study by its accession number."""
    header = MSH.format(
        application=application, facility="DEMO HOSPITAL", kind=kind, control_id=control_id or f"R{next(_numbers)}",
        processing="P", version="2.5.1", charset="UNICODE UTF-8",
    )  # fmt: skip
    obr = (
        f"OBR|1|{placer}||CT1^CT^L"
        + "|" * 14
        + accession
        + "||||20260105100000||CR|"
        + status
        + "|" * 7
        + "1234&Durand&Émilie"
    )
    study = (f"OBX|1|HD|113014^DICOM Study^DCM||{uid}||||||F",) if uid else ()
    rows = [
        header,
        f"PID|1||{pid}||Durand^Hélène||{born}|F",
        f"ORC|RE|{placer}",
        obr,
        *study,
        *(observations or WORDS),
        *groups,
    ]
    return ("\r".join(rows) + "\r").encode()


def ed(content: bytes, kind: str = "Application^PDF") -> str:
    """An observation that is a document."""
    return f"OBX|4|ED|PDF||^{kind}^Base64^{base64.b64encode(content).decode()}||||||F"
