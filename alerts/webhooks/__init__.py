"""Outgoing webhooks: merchants' endpoints hear of events, at least once, in order for each job, signed.

An event is a row, written in the transaction of the change that it tells of (`recording`). The fan-out
turns new events into deliveries (`fan_out`): jobs of kind `webhook` of the platform's own merchant, so
that they are durable, retried and visible like anybody's (`sending`). docs/webhooks.md is for readers.
"""
