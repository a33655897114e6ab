import functools

from sqlalchemy import create_engine


class Repository:
    def __init__(self, url):
        self.url = url

    @functools.cached_property
    def engine(self):
        """The engine."""
        return create_engine(self.url)

    @functools.lru_cache
    def name(self):
        return "repository"
