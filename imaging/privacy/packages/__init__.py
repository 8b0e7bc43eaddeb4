"""A copy of what the portal holds of a patient (GDPR articles 15(3) and 20), made in the background and handed over."""
