"""E-mail, by the operator's SMTP server and Django's mail."""

import smtplib
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email

from alerts.alerting import Alerting
from alerts.channels.parcel import Parcel
from alerts.wording import plain, text_of
from jobs.operations.fields import Fields
from jobs.outcomes import Failure, Outcome, Result

FIELDS = ("addresses",)
MOST_ADDRESSES = 20
MAX_ADDRESS = 254
SMTP_TIMEOUT = 10  # seconds, for each answer of the server
_STARTTLS = "smtp+starttls"
_PORTS = {"smtp": 25, _STARTTLS: 587, "smtps": 465}
SMTP_SCHEMES = tuple(_PORTS)


def read(fields: Fields) -> dict[str, Any] | None:
    """Return the addresses; None after adding their faults."""
    if "addresses" not in fields:
        fields.refuse("addresses", "required", "is required: a list of e-mail addresses.")
        return None
    addresses = fields.texts("addresses", most=MOST_ADDRESSES, longest=MAX_ADDRESS)
    if fields.is_refused("addresses") or not addresses:
        if not fields.problems:
            fields.refuse("addresses", "required", "must name at least one e-mail address.")
        return None
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            fields.refuse("addresses", "invalid_address", "must hold e-mail addresses only.")
            return None
    return {"addresses": addresses}


def shown(settings: dict[str, Any]) -> str:
    """Return the addresses, as far as there is room."""
    return plain(", ".join(settings["addresses"]), 500)


def send(parcel: Parcel, alerting: Alerting) -> Outcome:
    """Hand the message to the SMTP server; blocks, at most SMTP_TIMEOUT for each of its answers."""
    if not alerting.smtp_url:
        return _outcome(
            Result.REJECTED, "email_off", "No SMTP server is configured (TASKFLOW_SMTP_URL)."
        )
    try:
        _message(parcel, alerting).send()
    except smtplib.SMTPRecipientsRefused as refused:
        codes = {code for code, _ in refused.recipients.values()}
        final = all(500 <= code < 600 for code in codes)
        return _outcome(
            Result.REJECTED if final else Result.FAILED,
            "recipients_refused",
            "The mail server takes mail for none of the addresses.",
        )
    except smtplib.SMTPAuthenticationError:
        return _outcome(
            Result.FAILED, "smtp_login", "The mail server refuses the user or password."
        )
    except smtplib.SMTPResponseException as answer:
        final = 500 <= answer.smtp_code < 600
        return _outcome(
            Result.REJECTED if final else Result.FAILED,
            f"smtp_{answer.smtp_code}",
            f"The mail server answered {answer.smtp_code}.",
        )
    except (smtplib.SMTPException, OSError):
        # Their texts may repeat what was sent.
        return _outcome(
            Result.FAILED, "smtp_unreachable", "The mail server cannot be reached, or went away."
        )
    return Outcome(result=Result.SUCCEEDED, output={"addresses": len(_to(parcel))})


def _message(parcel: Parcel, alerting: Alerting) -> EmailMessage:
    domain = alerting.sender.rpartition("@")[2].rstrip(">") or "taskflow"
    return EmailMessage(
        # One line, whatever users called their template: a line break would begin another header.
        subject=plain(f"[TaskFlow] {parcel.message['title']}", 200),
        body=text_of(parcel.message),
        from_email=alerting.sender,
        to=_to(parcel),
        headers={
            # The same for all tries, so that mailboxes can tell repetitions.
            "Message-ID": f"<{parcel.delivery_id}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
        connection=_connection(alerting.smtp_url),
    )


def _to(parcel: Parcel) -> list[str]:
    addresses: list[str] = parcel.settings["addresses"]
    return addresses


def _connection(url: str) -> EmailBackend:
    parts = urlsplit(url)
    return EmailBackend(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme == _STARTTLS,
        use_ssl=parts.scheme == "smtps",
        timeout=SMTP_TIMEOUT,
        fail_silently=False,
    )


def _outcome(result: Result, code: str, message: str) -> Outcome:
    return Outcome(result=result, failure=Failure(code=code, message=message))
