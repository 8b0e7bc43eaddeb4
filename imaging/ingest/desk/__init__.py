"""The desks: what was set aside, what came twice, and what people decide about it."""
