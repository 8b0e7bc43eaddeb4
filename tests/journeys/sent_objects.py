"""Objects of our own making, DCMTK's storescu that sends them, and what it was answered for each."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

_SENT = re.compile(r"Sending file: (?P<path>\S+)|Received Store Response \((?P<status>[^)]*)\)")


def slices(
    folder: Path, *, count: int, patient_id: str, name: str = "Durand^Alice", size: int = 128, study_uid: str = ""
) -> list[Path]:
    """Write a CT series of `count` flat data sets (no sequence, so that storescu sends the bytes as they are)."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = study_uid or generate_uid(), generate_uid(), generate_uid()
    noise = np.random.default_rng(7)
    paths = []
    for number in range(1, count + 1):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = (
            name,
            patient_id,
            "19700101",
            "F",
        )
        dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "20261101", "101500", f"A{patient_id}"[:16]
        dataset.StudyDescription, dataset.Modality, dataset.SeriesNumber = "Journey", "CT", 1
        dataset.InstanceNumber = number
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [1, 1]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.Rows = dataset.Columns = size
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.WindowCenter, dataset.WindowWidth = 1000, 2000
        dataset.PixelData = noise.integers(0, 2000, (size, size), dtype=np.uint16).tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{dataset.SOPInstanceUID}.dcm"
        dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return paths


def data_set_bytes(path: Path) -> bytes:
    """Return what follows the file meta group."""
    meta_length = 132 + 12 + read_file_meta_info(path).FileMetaInformationGroupLength
    return path.read_bytes()[meta_length:]


@dataclass
class Sending:
    """One running storescu."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def has_begun(self) -> bool:
        """Whether something has been answered."""
        return b"Store Response" in self.log.read_bytes()

    def has_ended(self) -> bool:
        """Whether it gave up, or had sent everything."""
        return self.process.poll() is not None

    def answered_with_success(self) -> set[Path]:
        """Wait for its end and return the files that were answered with success."""
        try:
            self.process.wait(timeout=120)
        finally:
            self.process.kill()
            self.process.wait()
        sent: set[Path] = set()
        current: Path | None = None
        for match in _SENT.finditer(self.log.read_text(errors="replace")):
            if match["path"]:
                current = Path(match["path"])
            elif match["status"].startswith("Success") and current:
                sent.add(current)
        return sent


def send(storescu: str, paths: list[Path], *, port: int, calling: str, log: Path) -> Sending:
    """Start storescu for `paths` over one association."""
    with log.open("wb") as output:
        command = [storescu, "-v", "-aet", calling, "-aec", "NEGATOSCOPE", "localhost", str(port)]
        process = subprocess.Popen(
            [*command, *map(str, paths)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
    return Sending(process, log)
