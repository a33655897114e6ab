from clients import fetch


def load(url):
    return fetch(url)
