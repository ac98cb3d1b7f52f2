"""Backups: when they are taken, what the repository holds, what can be restored from it."""
