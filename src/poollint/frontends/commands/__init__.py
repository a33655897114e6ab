"""One module a command; `poollint.frontends.cli` imports the one that runs."""
