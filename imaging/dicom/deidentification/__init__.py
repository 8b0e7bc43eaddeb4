"""De-identified copies of DICOM objects: PS3.15 annex E, headers only; what cannot be cleaned surely is refused."""
