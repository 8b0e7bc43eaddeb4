"""Pure functions over DICOM bytes and data sets: no Django, no database, no network, no knowledge of where a file lies."""
