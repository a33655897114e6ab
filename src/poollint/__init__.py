"""poollint: finds SQLAlchemy engines, sessions and connections that take production down, before they ship."""

__version__ = "0.1.0"
