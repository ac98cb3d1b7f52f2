"""The cluster: what it consists of, what makes it safe, its configuration."""
