"""Reading what is stored: headers, frames, and what is put over them on their way out."""
