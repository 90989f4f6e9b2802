"""The level set equation: upwind scheme in 2-D and 3-D, its limits and its orders of
convergence."""
