"""The application between `launch` and `model`."""
