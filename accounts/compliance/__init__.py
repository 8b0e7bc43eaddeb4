"""Is this portal, as it runs now, what was promised? A registry of small questions, their answers as a page and as JSON.

A package adds its own by decorating a function with ``registry.check``; ids are stable, and documents refer to them.
"""
