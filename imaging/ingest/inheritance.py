"""Later objects of a corrected study: whoever names the same person as the others did gets the same correction (DESIGN 5.2)."""

import dataclasses
from collections.abc import Sequence

import orjson

from imaging.dicom import corrections, header
from imaging.dicom.correctable import CorrectionInvalid
from imaging.studies.reading import corrections as study_corrections
from imaging.studies.rows.incoming import IncomingInstance, InheritedCorrection


def inherit(incoming: IncomingInstance, decided: Sequence[InheritedCorrection]) -> IncomingInstance:
    """``incoming`` with what was decided about the others of its study, where those named the same person as it does.

    Somebody else's name, number, birth date or sex inherits nothing: whether that object may join is another question. What
    was decided about this object itself goes over what it inherits, unless it is the same decision.
    """
    more = study_corrections.concerning(incoming, decided)
    return _with(incoming, (*incoming.inherited, *more)) if more else incoming


def follow(incoming: IncomingInstance, moves: Sequence[InheritedCorrection]) -> IncomingInstance:
    """``incoming`` where the others of its series or study were moved to (``studies.reading.moves``)."""
    if not moves:
        return incoming
    decided = {tag for entry in moves for tag in entry.attributes}
    own = {tag: element for tag, element in incoming.corrections.items() if tag not in decided}
    kept = dataclasses.replace(
        incoming, corrections=own, named_as=incoming.named, followed=tuple(entry.group for entry in moves)
    )
    return _with(kept, tuple(moves))


def _with(incoming: IncomingInstance, mine: tuple[InheritedCorrection, ...]) -> IncomingInstance:
    record = orjson.loads(incoming.metadata_json)
    own = {} if _is_among(incoming, mine) else incoming.corrections
    for entry in sorted(mine, key=lambda entry: entry.order):
        record.update(entry.attributes)
    found = header.read_record({**record, **own})
    return dataclasses.replace(
        incoming,
        header=dataclasses.replace(incoming.header, patient=found.patient, study=found.study, series=found.series),
        issuer_of_patient_id=found.patient.issuer_of_patient_id or incoming.issuer_of_patient_id,
        corrections=own,
        inherited=mine,
    )


def _is_among(incoming: IncomingInstance, decided: Sequence[InheritedCorrection]) -> bool:
    try:
        own = corrections.normalised(incoming.corrections) if incoming.corrections else {}
    except CorrectionInvalid:
        return False
    return any(entry.attributes == own for entry in decided)
