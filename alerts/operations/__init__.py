"""What people decide: channels, policies, rules, and what becomes of incidents."""
