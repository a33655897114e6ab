"""Which pool an engine gets, whether it takes what it is given, and who uses it."""
