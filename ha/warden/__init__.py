"""The warden: watches one PostgreSQL from beside it, speaks for it, fences what must be fenced."""
