"""A container's health check: does the api on this machine answer?

Asks over plain HTTP on loopback, with the host name that the api answers to.
"""

import http.client
import os
import sys

hosts = [name.strip() for name in os.environ.get("TASKFLOW_ALLOWED_HOSTS", "").split(",")]
host = hosts[0] or "localhost"
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
connection.request("GET", "/health/live", headers={"Host": host})
sys.exit(0 if connection.getresponse().status == 200 else 1)
