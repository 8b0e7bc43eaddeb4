"""What rows hold: columns made from headers, the patients they name, placements with their sort keys, the status of a study."""
