"""The alerts' tunables."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """`tick`: seconds between two looks. `horizon`: how many seconds ahead the expander plans. `sender`: the address that e-mails come from.

    `pagerduty_url`: where events of PagerDuty channels go. `public_url`: the address under which people
    open the admin, without a slash at its end; '' when nobody has said it: messages then carry paths.
    `smtp_url` may hold a password; '' turns e-mail off.
    """

    tick: float = 15.0
    horizon: float = 60.0
    sender: str = "taskflow@localhost"
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    public_url: str = ""
    smtp_url: str = field(default="", repr=False)
