"""The report of a finished run: all of it in one page that opens offline."""
