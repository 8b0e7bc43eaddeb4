"""What recipients send back: by their link, into the inbox of the department that shared with them."""
