"""Engines with one thing broken each: the chaos test is worth what it notices of them."""
