"""Bytes: contents, copies, tiers, verification. Knows no patient and parses no DICOM."""
