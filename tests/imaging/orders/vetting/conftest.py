"""The people of the requests' tests."""

from tests.imaging.orders.requesting.conftest import emergency, ines, paul, radiology

__all__ = ["emergency", "ines", "paul", "radiology"]
