"""The DICOMweb door (PS3.18): translate, call, answer."""
