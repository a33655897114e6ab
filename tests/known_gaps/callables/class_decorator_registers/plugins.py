PLUGINS = {}


def plugin(cls):
    PLUGINS[cls.__name__] = cls
    return cls


def run(name):
    return PLUGINS[name]().rows()
