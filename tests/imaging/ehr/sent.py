"""Messages as a hospital's register sends them."""

from itertools import count

_numbers = count(1)

MSH = (
    "MSH|^~\\&|{application}|{facility}|PORTAL|RADIOLOGY|20260105083000+0100||{kind}|{control_id}|{processing}|{version}"
    "|||||FRA|{charset}"
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
