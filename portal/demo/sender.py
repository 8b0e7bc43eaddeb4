"""Sends data sets to the portal's own DICOM port, as the demo hospital's machines would."""

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ImplicitVRLittleEndian
from pynetdicom import AE, _config

# Some samples are odd on purpose; the portal says so where it matters, the sender need not.
logging.getLogger("pydicom").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="pydicom")
# The file's bytes are sent as they are: no second encoding, so every transfer syntax passes.
_config.STORE_SEND_CHUNKED_DATASET = True

_BATCH = 100


class NotAccepted(Exception):
    """The portal did not take an object; the message says which and why."""


def send(datasets: Iterable[Dataset], *, calling: str, called: str, port: int) -> Iterator[str]:
    """Send the data sets over loopback and yield the SOP Instance UID of each one that was stored.

    Raises :class:`NotAccepted` at the first that was not.
    """
    stream = iter(datasets)
    while batch := list(islice(stream, _BATCH)):
        yield from _send_batch(batch, calling=calling, called=called, port=port)


def _send_batch(batch: list[Dataset], *, calling: str, called: str, port: int) -> Iterator[str]:
    entity = AE(ae_title=calling)
    for sop_class, syntax in {(d.SOPClassUID, _syntax(d)) for d in batch}:
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        raise NotAccepted(f"The DICOM listener on port {port} did not accept an association from {calling}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object.dcm"
            for dataset in batch:
                _write(dataset, path)
                status = association.send_c_store(path)
                if not status or status.Status != 0:
                    code = f"{status.Status:04X}" if status else "no answer"
                    raise NotAccepted(f"{dataset.SOPInstanceUID} from {calling} was answered with {code}.")
                yield str(dataset.SOPInstanceUID)
    finally:
        association.release()


def _syntax(dataset: Dataset) -> UID:
    return UID(getattr(dataset.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian))


def _write(dataset: Dataset, path: Path) -> None:
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = _syntax(dataset)
    dcmwrite(path, dataset, enforce_file_format=True)
