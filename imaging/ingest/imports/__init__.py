"""Deliveries by people: examined, shown to who brought them, decided on, and only then registered."""
