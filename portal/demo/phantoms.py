"""Large series for the demo, computed instead of shipped: a chest CT and a knee MR of ellipsoids.

Everything follows from fixed numbers (UIDs included), so that sending a phantom twice sends the same bytes twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, JPEGLSLossless, MRImageStorage, generate_uid

Volume = Callable[[float], NDArray[np.int16]]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipsoid in mm: centre, half axes, value inside."""

    centre: tuple[float, float, float]
    axes: tuple[float, float, float]
    value: int

    def paint(self, image: NDArray[np.int16], x: NDArray[np.float32], y: NDArray[np.float32], z: float) -> None:
        """Set the pixels of the slice at height `z` that lie inside."""
        (cx, cy, cz), (ax, ay, az) = self.centre, self.axes
        rest = 1 - ((z - cz) / az) ** 2
        if rest > 0:
            image[((x - cx) / ax) ** 2 + ((y - cy) / ay) ** 2 <= rest] = self.value


def _ribs() -> list[Ellipse]:
    return [
        Ellipse((side * 118, -20 + 40 * (i % 2), -180 + 30 * i), (9, 26, 8), 320) for i in range(12) for side in (-1, 1)
    ]


CHEST = [
    Ellipse((0, 0, 0), (170, 115, 420), 35),
    Ellipse((0, 0, 0), (158, 104, 420), -90),
    Ellipse((0, 0, 0), (148, 96, 420), 45),
    Ellipse((-72, -8, 0), (60, 80, 190), -840),
    Ellipse((72, -8, 0), (58, 80, 190), -850),
    Ellipse((18, -28, -40), (52, 44, 62), 48),
    Ellipse((6, -24, 70), (15, 15, 90), 260),
    Ellipse((20, 40, 0), (13, 13, 400), 240),
    Ellipse((0, 64, 0), (19, 18, 400), 220),
    Ellipse((0, 64, 0), (13, 12, 400), 130),
    Ellipse((0, 46, 0), (8, 8, 400), -950),
    Ellipse((-78, -30, 22), (8, 8, 8), 60),
    Ellipse((-40, 10, -220), (95, 78, 90), 62),
    *_ribs(),
]
KNEE = [
    Ellipse((0, 0, 0), (66, 62, 200), 420),
    Ellipse((0, 0, 0), (60, 56, 200), 260),
    Ellipse((0, -4, 70), (30, 28, 75), 620),
    Ellipse((-20, 2, 8), (22, 30, 24), 640),
    Ellipse((20, 2, 8), (22, 30, 24), 640),
    Ellipse((0, 2, -62), (34, 28, 58), 610),
    Ellipse((0, -44, 18), (20, 9, 20), 630),
    Ellipse((0, 0, -6), (42, 30, 3), 90),
    Ellipse((0, -34, 2), (16, 8, 26), 760),
]


@dataclass(frozen=True, slots=True)
class Phantom:
    """A volume and how it is cut."""

    name: str
    bodies: list[Ellipse]
    background: int
    noise: float
    slices: int
    size: int
    pixel_mm: float
    spacing_mm: float
    modality: str
    sop_class: str
    window: tuple[int, int]


PHANTOMS = {
    "chest-ct": Phantom("chest-ct", CHEST, -1000, 12, 200, 512, 0.74, 2.0, "CT", CTImageStorage, (40, 400)),
    "knee-mr": Phantom("knee-mr", KNEE, 8, 14, 160, 256, 0.6, 1.0, "MR", MRImageStorage, (380, 760)),
}


def _uid(*parts: str) -> str:
    return str(generate_uid(entropy_srcs=["negatoscope demo", *parts]))


def slices(name: str) -> Iterator[Dataset]:
    """Yield the instances of a phantom, JPEG-LS lossless, 16 bits stored signed, from feet to head."""
    phantom = PHANTOMS[name]
    axis = (np.arange(phantom.size, dtype=np.float32) - phantom.size / 2) * np.float32(phantom.pixel_mm)
    x, y = np.meshgrid(axis, axis)
    for number in range(1, phantom.slices + 1):
        z = (number - phantom.slices / 2) * phantom.spacing_mm
        image = np.full((phantom.size, phantom.size), phantom.background, np.int16)
        for body in phantom.bodies:
            body.paint(image, x, y, z)
        noise = np.random.default_rng(number).normal(0, phantom.noise, image.shape)
        yield _instance(phantom, number, z, (image + noise).astype(np.int16))


def _instance(phantom: Phantom, number: int, z: float, image: NDArray[np.int16]) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = phantom.sop_class
    dataset.SOPInstanceUID = _uid(phantom.name, "instance", str(number))
    dataset.StudyInstanceUID = _uid(phantom.name, "study")
    dataset.SeriesInstanceUID = _uid(phantom.name, "series")
    dataset.FrameOfReferenceUID = _uid(phantom.name, "frame of reference")
    dataset.Modality = phantom.modality
    dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.PatientName = dataset.PatientID = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.Manufacturer = "Negatoscope phantom"
    dataset.SeriesDescription = f"Phantom, {phantom.slices} slices"
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.StudyID = 2, number, "1"
    dataset.PatientPosition, dataset.PositionReferenceIndicator = "HFS", ""
    extent = -phantom.size / 2 * phantom.pixel_mm
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [extent, extent, z]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [phantom.pixel_mm, phantom.pixel_mm]
    dataset.SliceThickness, dataset.SpacingBetweenSlices = phantom.spacing_mm, phantom.spacing_mm
    _add_pixels(dataset, phantom, image)
    return dataset


def _add_pixels(dataset: Dataset, phantom: Phantom, image: NDArray[np.int16]) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    # JPEG-LS codes unsigned samples: the offset moves into the rescale intercept, as scanners do it.
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    if phantom.modality == "CT":
        dataset.RescaleType = "HU"
    dataset.WindowCenter, dataset.WindowWidth = phantom.window
    stored = np.clip(image.astype(np.int32) + 1024, 0, 65535).astype(np.uint16)
    dataset.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(stored))])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
