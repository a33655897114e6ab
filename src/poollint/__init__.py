"""poollint: finds SQLAlchemy engines that are made more often than once, across modules, before they ship."""

__version__ = "0.1.0"
