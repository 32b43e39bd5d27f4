"""Who hears of what: channels, rules, incidents and their messages; merchants' outgoing webhooks."""
