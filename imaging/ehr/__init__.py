"""Other systems of the hospital: what its patient register says of patients, by HL7 v2."""
