from collections import defaultdict

HANDLERS = defaultdict(list)


def subscribe(event, function):
    HANDLERS[event].append(function)


def publish(event, payload):
    for handler in HANDLERS[event]:
        handler(payload)
