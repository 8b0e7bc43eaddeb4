"""Which attributes belong to a study and which to a series, whatever instance says them (PS3.3 sections C.7.1 to C.7.5).

A query at one of these levels answers with an attribute of one of the instances below it: that is only true for those that
all of them share.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from pydicom import datadict

#: Patient, Clinical Trial Subject, General Study, Patient Study and Clinical Trial Study modules.
_STUDY: Final = """
    PatientName PatientID IssuerOfPatientID IssuerOfPatientIDQualifiersSequence TypeOfPatientID PatientBirthDate
    PatientBirthTime PatientSex OtherPatientIDs OtherPatientIDsSequence OtherPatientNames EthnicGroup
    PatientComments PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription ResponsiblePerson
    ResponsiblePersonRole ResponsibleOrganization PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence QualityControlSubject ReferencedPatientSequence PatientBirthName
    PatientMotherBirthName MilitaryRank BranchOfService CountryOfResidence RegionOfResidence
    PatientTelephoneNumbers PatientReligiousPreference ConfidentialityConstraintOnPatientDataDescription
    ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID ClinicalTrialSiteName
    ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialTimePointID ClinicalTrialTimePointDescription
    StudyInstanceUID StudyDate StudyTime ReferringPhysicianName ReferringPhysicianIdentificationSequence
    ConsultingPhysicianName StudyID AccessionNumber IssuerOfAccessionNumberSequence StudyDescription
    PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence NameOfPhysiciansReadingStudy
    PhysiciansReadingStudyIdentificationSequence RequestingService RequestingPhysician ReferencedStudySequence
    ProcedureCodeSequence ReasonForPerformedProcedureCodeSequence RequestedProcedureDescription
    InstitutionalDepartmentName AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence AdmissionID
    IssuerOfAdmissionIDSequence PatientAge PatientSize PatientWeight PatientBodyMassIndex MedicalAlerts Allergies
    SmokingStatus PregnancyStatus LastMenstrualDate PatientState Occupation AdditionalPatientHistory
    ReasonForVisit ServiceEpisodeID ServiceEpisodeDescription TimezoneOffsetFromUTC
"""
#: General Series, Clinical Trial Series, Frame of Reference and General Equipment modules.
_SERIES: Final = """
    Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
    PerformingPhysicianIdentificationSequence ProtocolName SeriesDescription SeriesDescriptionCodeSequence OperatorsName
    OperatorIdentificationSequence ReferencedPerformedProcedureStepSequence RelatedSeriesSequence BodyPartExamined
    PatientPosition SmallestPixelValueInSeries LargestPixelValueInSeries RequestAttributesSequence
    PerformedProcedureStepID PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepDescription
    PerformedProtocolCodeSequence CommentsOnThePerformedProcedureStep AnatomicalOrientationType TreatmentSessionUID
    ClinicalTrialCoordinatingCenterName ClinicalTrialSeriesID ClinicalTrialSeriesDescription
    FrameOfReferenceUID PositionReferenceIndicator Manufacturer InstitutionName InstitutionAddress StationName
    ManufacturerModelName DeviceSerialNumber SoftwareVersions GantryID SpatialResolution DateOfLastCalibration
    TimeOfLastCalibration DeviceUID
"""


@cache
def of_study() -> frozenset[int]:
    """Tags that all instances of a study share."""
    return _tags(_STUDY)


@cache
def of_series() -> frozenset[int]:
    """Tags that all instances of a series share, those of its study included."""
    return of_study() | _tags(_SERIES)


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag for keyword in keywords.split() if (tag := datadict.tag_for_keyword(keyword)) is not None)
