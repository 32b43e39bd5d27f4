"""A producer with one API key, as a benchmark needs it."""

import json
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

PRODUCERS = 2
BATCH = 1000  # jobs in one request, the API's limit


class Client:
    """Posts to TaskFlow's API."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def post(self, path: str, body: object) -> dict[str, str]:
        request = urllib.request.Request(
            self._url + path,
            json.dumps(body).encode(),
            {"content-type": "application/json", "x-api-key": self._key},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))

    def post_jobs(self, jobs: Sequence[object]) -> None:
        """Post the jobs in batches, as two producers at once."""
        batches = [{"jobs": jobs[begin : begin + BATCH]} for begin in range(0, len(jobs), BATCH)]
        with ThreadPoolExecutor(PRODUCERS) as producers:
            list(producers.map(lambda batch: self.post("/api/v1/jobs/batch", batch), batches))

    def is_live(self) -> bool:
        try:
            with urllib.request.urlopen(self._url + "/health/live", timeout=1):
                return True
        except OSError:
            return False
