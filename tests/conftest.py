import os

# Two workers on two cores: more threads would only wait for each other. Set before torch loads, and
# inherited by the workflow's jobs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
