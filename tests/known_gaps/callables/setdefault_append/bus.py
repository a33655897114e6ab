HANDLERS = {}


def on_order(function):
    HANDLERS.setdefault("order", []).append(function)
    return function


def publish(event, payload):
    for handler in HANDLERS[event]:
        handler(payload)
