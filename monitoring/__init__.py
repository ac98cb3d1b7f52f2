"""Seeing Evergrid: which metrics it emits, when they call somebody, what to do then."""
