"""What the job kind is called; on its own, since those who write rows need no HTTP client."""

WEBHOOK = "webhook"
