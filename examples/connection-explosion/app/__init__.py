"""The work that is done for each message."""
