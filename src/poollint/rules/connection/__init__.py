"""Family 6xx: connections that are taken from an engine directly."""
