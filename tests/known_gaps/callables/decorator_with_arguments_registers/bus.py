HANDLERS = {}


def on(event):
    def decorate(function):
        HANDLERS[event] = function
        return function

    return decorate


def publish(event, payload):
    HANDLERS[event](payload)
