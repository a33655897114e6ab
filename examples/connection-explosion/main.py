"""Handle 500 messages with 20 worker threads; each message that is done is written to the database."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

from app.worker import worker


def receive(number: int) -> int:
    """Stand in for a streaming subscription: a message takes one to three seconds to arrive."""
    time.sleep(random.uniform(1, 3))
    return number


def main() -> None:
    with ThreadPoolExecutor(max_workers=20) as executor:
        for number in range(500):
            future = executor.submit(receive, number)
            future.add_done_callback(worker)


if __name__ == "__main__":
    main()
