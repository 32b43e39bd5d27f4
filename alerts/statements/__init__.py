"""The SQL of the alerts' tick, named. The rules' own is beside each rule in alerts.rules.

A tick's statements are as many whatever has happened; each is bounded by what is new, what is open or
what is due. Values travel apart from the statement (tenants.statement), so casts name their types.
"""
