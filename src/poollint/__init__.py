"""poollint: finds SQLAlchemy engines, sessions and connections that leak or are made too often, before they ship."""

__version__ = "0.1.0"
