"""A patient's standing link to their own record: giving it, to the patient or to who acts for them, what it shows, and ending it."""
