"""The demo hospital: its people, its machines, and openly licensed studies sent through the real DICOM port."""
