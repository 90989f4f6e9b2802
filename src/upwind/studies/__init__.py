"""Studies: the same network with one thing changed, over folds, seeds and numbers of patients."""
