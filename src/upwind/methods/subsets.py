"""What a score is about, by name. Tables and figures read these without the code that scores."""

# Patients that the fold did not train on, whole volume; the same, but only the slices from the
# first to the last that show liver; held-out slices of patients that the fold did train on.
UNSEEN, UNSEEN_LIVER, HELDOUT = "unseen", "unseen_liver", "heldout"
