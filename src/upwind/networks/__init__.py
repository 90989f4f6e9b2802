"""The two networks, and how weights are kept and rebuilt."""
