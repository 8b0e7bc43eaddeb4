"""How long things take, what waits, who does not come: figures of departments, never of a patient or a colleague."""
