"""The drills: each breaks one thing under load, waits no longer than promised, judges."""
