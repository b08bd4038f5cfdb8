"""Functions as tools. Nothing lives here yet."""
