"""/api/v1: alert channels, policies, rules, incidents and deliveries."""
