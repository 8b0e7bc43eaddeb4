"""What reports keep: what is to be read, templates, reports with their versions and documents, critical findings."""

from imaging.reports.models.beside import OvertakenText, ReportingPolicy, ReportPicture
from imaging.reports.models.reading import ReadingItem, ReadingRoute, TurnaroundTarget
from imaging.reports.models.reports import (
    CriticalFinding,
    CriticalStep,
    Report,
    ReportDocument,
    ReportDraft,
    ReportMacro,
    ReportTemplate,
    ReportVersion,
)

__all__ = [
    "CriticalFinding",
    "CriticalStep",
    "OvertakenText",
    "ReadingItem",
    "ReadingRoute",
    "Report",
    "ReportDocument",
    "ReportDraft",
    "ReportMacro",
    "ReportPicture",
    "ReportTemplate",
    "ReportVersion",
    "ReportingPolicy",
    "TurnaroundTarget",
]
