"""HL7 v2 as text: framing, reading, answering. No Django and no database."""
