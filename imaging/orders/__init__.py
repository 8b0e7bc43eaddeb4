"""Exam requests: what can be asked for, the question and its way to a booked place, the worklist, and the images that answer it."""
