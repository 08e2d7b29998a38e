"""Scripts that train one network of a study in plain torch, scikit-learn and numpy."""
