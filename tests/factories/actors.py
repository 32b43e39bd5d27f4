"""Those who do something in tests."""

from tenants.audit import Actor, ActorKind
from tenants.identifiers import new_id


def somebody(name: str = "ana@example.test") -> Actor:
    """Return a person."""
    return Actor(kind=ActorKind.USER, name=name, id=new_id(), address="192.0.2.7")
