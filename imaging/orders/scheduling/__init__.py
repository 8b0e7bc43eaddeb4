"""Rooms, their hours, and the places booked in them."""
