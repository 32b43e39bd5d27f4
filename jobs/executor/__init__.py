"""Runs attempts: claims what a message names, runs it in a lane, records what it came to."""
