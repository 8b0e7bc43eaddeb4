"""Keys of machines, and set-up links."""
