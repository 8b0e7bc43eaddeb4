"""The privacy desk: who looked at a patient, what people ask about their data, breaches, and what may be erased."""
