"""Photographs, films, documents and videos made into DICOM files (PS3.3 A.8, A.32, A.45): pure, no Django, no decoding."""
