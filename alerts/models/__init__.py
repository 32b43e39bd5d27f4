"""What alerts and webhooks keep."""
