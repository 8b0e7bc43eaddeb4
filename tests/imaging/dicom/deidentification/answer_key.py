"""Objects in which a made-up patient is written everywhere, and the list of what must not be found again."""

from dataclasses import dataclass

from pydicom import datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imaging.dicom.deidentification.identifiers import Identifiers
from tests.imaging.dicom.deidentification import making

NAME = "Quézac^Amandine^Rose"
PATIENT_ID = "IPP-90817263"
BIRTH_DATE = "19310428"
STUDY_DATE = "20240917"
ACCESSION = "ACC77120934"
INSTITUTION = "Clinique des Trois Tilleuls"
PHYSICIAN = "Brizambourg^Théodule"
ADDRESS = "14 impasse du Grillon"
PHONE = "+33 5 55 01 99 87"
STORY = f"Patiente {NAME.replace('^', ' ')}, née le 28.04.1931, adressée par le Dr Brizambourg ({INSTITUTION})"

#: Free texts that the table does not name, and times and names that it does not name.
UNLISTED_FREE = (
    "SegmentDescription",
    "PartialViewDescription",
    "OpticalPathDescription",
    "DocumentTitle",
    "SurfaceComments",
)


@dataclass(frozen=True)
class AnswerKey:
    """An object and what identifies its patient."""

    source: Dataset
    identifiers: Identifiers


def identifiers() -> Identifiers:
    """All that is written into the objects."""
    return Identifiers.named(
        names=(NAME, PHYSICIAN),
        ids=(PATIENT_ID, ACCESSION, INSTITUTION, ADDRESS, PHONE),
        uids=(making.STUDY, f"{making.STUDY}.2", f"{making.STUDY}.3"),
        dates=(BIRTH_DATE, STUDY_DATE),
    )


def written_everywhere(sop_class_uid: str, *, little_endian_syntax: str, depth: int = 3) -> AnswerKey:
    """An object of this class, its patient in every corner that a header has."""
    with making.as_strangers_write():
        return AnswerKey(
            _written_everywhere(making.object_of(sop_class_uid, little_endian_syntax), depth), identifiers()
        )


def _written_everywhere(made: Dataset, depth: int) -> Dataset:
    _people(made)
    _texts(made)
    _private(made)
    _wrong_places(made)
    inner = made
    for _ in range(depth):
        item = Dataset()
        _people(item)
        _texts(item)
        _private(item)
        inner.RequestAttributesSequence = [item]
        inner.ViewCodeSequence = [_local_code()]
        inner.AnatomicRegionSequence = [_registered_code()]
        deeper = Dataset()
        _texts(deeper)
        item.ReferencedSeriesSequence = [deeper]
        inner = deeper
    return made


def _people(made: Dataset) -> None:
    made.PatientName, made.PatientID, made.PatientBirthDate = NAME, PATIENT_ID, BIRTH_DATE
    made.PatientAddress, made.PatientTelephoneNumbers = ADDRESS, PHONE
    made.OtherPatientIDsSequence = [making.item(PatientID=PATIENT_ID, TypeOfPatientID="TEXT")]
    made.AccessionNumber, made.InstitutionName, made.InstitutionAddress = ACCESSION, INSTITUTION, ADDRESS
    made.ReferringPhysicianName = made.OperatorsName = made.PerformingPhysicianName = PHYSICIAN
    made.StudyDate = made.SeriesDate = made.AcquisitionDate = made.ContentDate = STUDY_DATE
    made.AcquisitionDateTime = f"{STUDY_DATE}101112"
    made.StudyInstanceUID, made.SeriesInstanceUID = making.STUDY, f"{making.STUDY}.2"
    made.ReferencedFrameOfReferenceUID = f"{making.STUDY}.2"


def _texts(made: Dataset) -> None:
    made.StudyDescription, made.SeriesDescription = f"Scanner {NAME}", f"Thorax {PATIENT_ID} 28/04/1931"
    made.PatientComments = made.ImageComments = made.AdditionalPatientHistory = STORY
    for keyword in UNLISTED_FREE:
        setattr(made, keyword, STORY)
    made.SequenceName = "AMANDINE"
    made.ConvolutionKernel = f"K {PATIENT_ID}"
    made.ManufacturerModelName = f"for {INSTITUTION}"
    made.SoftwareVersions = ["VB20A", f"installed {BIRTH_DATE}", making.STUDY]
    made.BodyPartExamined = "QUEZAC"
    made.RetrieveURL = f"https://pacs.invalid/{PATIENT_ID}"
    made.AnatomicalOrientationType = ACCESSION


def _private(made: Dataset) -> None:
    block = made.private_block(0x0029, "CLINIQUE TILLEULS", create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", STORY.encode())
    block.add_new(0x03, "SQ", [making.item(PatientName=NAME)])
    safe = made.private_block(0x0019, "GEMS_ACQU_01", create=True)
    safe.add_new(0x23, "DS", "39.37")
    safe.add_new(0x9E, "LO", NAME)
    made.private_block(0x7E01, "HOLOGIC, Inc.", create=True).add_new(0x12, "OB", STORY.encode())
    made.add_new(0x00211001, "LO", NAME)  # in a block that nobody created


def _wrong_places(made: Dataset) -> None:
    """Values of VRs that their attributes do not have, unknown attributes, overlays, curves, groups that are not for headers."""
    made.add(DataElement(0x00280030, "LT", STORY))
    made.add(DataElement(0x00180050, "LO", NAME))
    made.add(DataElement(0x00091001, "UN", STORY.encode()))
    made.add(DataElement(0x00081FFE, "LO", NAME))
    made.add(DataElement(0x60003000, "OW", STORY.encode("latin-1").ljust(200)))
    made.add(DataElement(0x60001500, "LO", NAME))
    made.add(DataElement(0x50003000, "OB", STORY.encode()))
    made.add(DataElement(0xFFFCFFFC, "OB", STORY.encode()))
    made.IconImageSequence = [making.item(ImageComments=STORY)]
    made.OriginalAttributesSequence = [making.item(ModifiedAttributesSequence=[making.item(PatientName=NAME)])]


def _local_code() -> Dataset:
    return making.item(CodeValue="QUEZ", CodingSchemeDesignator="99TILLEUL", CodeMeaning=f"for {NAME}")


def _registered_code() -> Dataset:
    return making.item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning=f"Thorax of {PATIENT_ID}")


def free_texts_of_the_dictionary() -> list[str]:
    """Keywords of every attribute that holds free text, a name or an address."""
    found = []
    for tag, (vr, *_rest, keyword) in datadict.DicomDictionary.items():
        if vr in {"LT", "ST", "UT", "PN", "UR", "AE"} and keyword and tag >> 16 > 4:
            found.append(keyword)
    return found
