"""The REST interface to jobs: translates requests into one domain call each, and back."""
