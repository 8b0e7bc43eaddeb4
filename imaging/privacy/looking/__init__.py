"""Who looked at a patient: found, grouped, and told to the patient in plain words."""
