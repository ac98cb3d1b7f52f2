"""Failover tests: what breaks, what clients saw of it, the proof that nothing was lost."""
