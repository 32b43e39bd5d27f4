"""`manage.py up`: all of TaskFlow on one machine, in one terminal.

The supervisor has one thread. It starts processes, shows their lines, starts those again that end,
and stops them in order. It holds no rules of the domain and never touches the database itself.
"""
