"""What other systems are told by HL7 v2: what is owed to whom, how it is written, and how it gets there."""
