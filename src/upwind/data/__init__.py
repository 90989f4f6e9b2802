"""Raw volumes -> checked cases -> slices -> folds."""
