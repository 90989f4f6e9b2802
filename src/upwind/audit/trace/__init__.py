"""The way from one number, or one file, down to the raw volumes."""
