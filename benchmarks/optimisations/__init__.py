"""Optimisations, each with a side where it is off and one where it is on: see `benchmarks.report`."""
