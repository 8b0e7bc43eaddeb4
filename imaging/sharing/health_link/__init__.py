"""SMART Health Links (HL7 SMART Health Cards and Links 1.0.0): a share in a health wallet, its images and report as FHIR."""
