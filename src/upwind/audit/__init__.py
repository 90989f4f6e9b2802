"""Does a finished experiment hold? Records, files, code and numbers, against each other."""
