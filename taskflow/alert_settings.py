"""The alerts' variables, taken in by taskflow.settings."""

from alerts.alerting import Alerting
from taskflow.env import Environment


def alerting_settings(env: Environment, *, horizon: float) -> Alerting:
    """Return the alerts' tunables; `horizon`: how many seconds ahead the expander plans."""
    return Alerting(
        tick=env.seconds("TASKFLOW_ALERT_TICK", 15.0, minimum=1, maximum=300),
        horizon=horizon,
        sender=env.text("TASKFLOW_MAIL_FROM", Alerting.sender),
        pagerduty_url=env.url("TASKFLOW_PAGERDUTY_URL", ("http", "https"), Alerting.pagerduty_url),
        public_url=env.url("TASKFLOW_PUBLIC_URL", ("http", "https")).rstrip("/"),
        smtp_url=env.url("TASKFLOW_SMTP_URL", ("smtp", "smtp+starttls", "smtps")),
    )
