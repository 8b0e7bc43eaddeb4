"""The letter of a share: the link as a QR code, the code to type, and on a page of its own what proves who opens it."""
