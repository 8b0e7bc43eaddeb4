"""The DICOM network door: translate, call, answer."""
