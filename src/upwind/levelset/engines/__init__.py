"""Engines that move a contour through a speed image."""
