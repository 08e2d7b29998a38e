"""The pages of walks on landscapes and of sweeps of rounding."""
