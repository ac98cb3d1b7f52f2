"""The benchmark: the service beside pgbench, on one lab, in one run."""
