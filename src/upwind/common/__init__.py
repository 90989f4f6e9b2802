"""What every layer may use: errors for people, files written whole or not at all, progress."""
