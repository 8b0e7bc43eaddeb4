"""The reading room's people and studies, for critical findings."""

from tests.imaging.reports.reading.conftest import radiology, ralf, reader_of, rita, to_read

__all__ = ["radiology", "ralf", "reader_of", "rita", "to_read"]
