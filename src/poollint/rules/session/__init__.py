"""Family 2xx: sessions, from the call that makes them to the one that gives their connection back."""
