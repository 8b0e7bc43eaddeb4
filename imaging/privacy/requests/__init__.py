"""Requests of people about their data: recorded, due in a month, tied to what is done about them."""
