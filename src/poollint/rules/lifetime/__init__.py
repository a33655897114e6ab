"""What the rules about sessions (POL2xx) and connections (POL6xx) share."""
