"""Family 3xx: the choice of a pool, registries of sessions, and which of them belong together."""
