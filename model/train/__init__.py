"""Builds what the predictor loads: terms, what coded notes teach, calibration. Serving imports none of it."""
