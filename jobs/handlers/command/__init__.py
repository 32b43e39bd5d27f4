"""The job kind `command`: an operator's programs, each run in a sandbox of its own.

Off unless the operator allows commands by name. What must never change here: no shell, no way for a
payload to become more than one word of the arguments, and no run outside a sandbox that was tried
and found tight in this very process.
"""
