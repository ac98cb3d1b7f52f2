"""Documents: what the utility knows, as its customers get it on paper."""
