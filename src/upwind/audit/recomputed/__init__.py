"""Numbers made again from what they rest on, with code that shares nothing with their makers'."""
