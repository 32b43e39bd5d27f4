"""What people and producers ask of webhooks."""
