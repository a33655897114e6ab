class Bus:
    def __init__(self):
        self.handlers = []

    def on(self, function):
        self.handlers.append(function)
        return function

    def publish(self, payload):
        for handler in self.handlers:
            handler(payload)


bus = Bus()
