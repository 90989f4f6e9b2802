"""Files, records, code and plan against each other: what holds without computing a number."""
