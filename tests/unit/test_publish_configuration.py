"""The operators' destinations: read from JSON, refused with a sentence, never shown."""

import json

import pytest

from jobs.handlers.publish.configuration import InvalidDestinations, parse_destinations
from jobs.handlers.publish.destinations import (
    CeleryQueue,
    Exchange,
    RedisList,
    RedisStream,
    fits,
)

PASSWORD = "hunter2"
AMQP = f"amqp://taskflow:{PASSWORD}@rabbit.example:5672/shop"
REDIS = f"redis://:{PASSWORD}@redis.example:6379/0"
MERCHANT = "0197a1b2-0000-7000-8000-000000000001"


def parsed(**definition):
    return parse_destinations(json.dumps({"there": definition}))["there"]


def refusal(**definition):
    with pytest.raises(InvalidDestinations) as refused:
        parsed(**definition)
    assert PASSWORD not in str(refused.value)
    assert all(line.startswith('destination "there": ') for line in refused.value.problems)
    return [line.removeprefix('destination "there": ') for line in refused.value.problems]


def test_nothing_configured_is_no_destination():
    assert parse_destinations("") == {}
    assert parse_destinations(" {} ") == {}


@pytest.mark.parametrize(
    ("definition", "target"),
    [
        (
            {"type": "exchange", "url": AMQP, "exchange": "orders", "exchange_type": "topic",
             "routing_key": "order.due", "routing_keys": ["order.*"], "mandatory": False},
            Exchange(name="orders", type="topic", routing_key="order.due",
                     routing_keys=("order.*",), mandatory=False),
        ),
        ({"type": "exchange", "url": AMQP, "routing_key": "q"}, Exchange(routing_key="q")),
        ({"type": "list", "url": REDIS, "key": "l", "push": "right"},
         RedisList(key="l", push="right")),
        ({"type": "stream", "url": REDIS, "key": "s", "max_length": 9},
         RedisStream(key="s", max_length=9)),
        ({"type": "celery", "url": REDIS, "queue": "shop", "tasks": ["shop.*"]},
         CeleryQueue(queue="shop", tasks=("shop.*",))),
    ],
)  # fmt: skip
def test_each_type_is_read(definition, target):
    found = parsed(**definition)
    assert found.target == target
    assert found.url == definition["url"]
    assert found.type == definition["type"]


def test_url_is_not_part_of_what_is_shown():
    assert PASSWORD not in repr(parsed(type="list", url=REDIS, key="l"))


def test_valkey_scheme_is_understood_and_a_host_of_that_name_stays():
    found = parsed(type="list", url="valkeys://valkey.example/0", key="l")
    assert found.url == "rediss://valkey.example/0"


def test_merchants_are_kept_apart():
    found = parsed(type="list", url=REDIS, key="l", merchants=[MERCHANT])
    (merchant,) = found.merchants
    assert str(merchant) == MERCHANT
    assert found.serves(merchant)
    assert not found.serves(type(merchant)(int=7))
    assert parsed(type="list", url=REDIS, key="l").serves(merchant)


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        ({}, '"type" must be one of exchange, list, stream, celery.'),
        ({"type": "kafka"}, '"type" must be one of exchange, list, stream, celery.'),
        ({"type": ["list"]}, '"type" must be one of exchange, list, stream, celery.'),
        ({"type": "list", "key": "l"}, '"url" is required; add it.'),
        ({"type": "list", "url": REDIS}, '"key" is required; add it.'),
        ({"type": "celery", "url": REDIS}, '"tasks" is required; add it.'),
        ({"type": "celery", "url": REDIS, "tasks": []}, '"tasks" must have at least 1 items.'),
        ({"type": "list", "url": REDIS, "key": "l", "queue": "q"},
         '"queue" is not known here; remove it.'),
        ({"type": "list", "url": REDIS, "key": "l", "connections": 0},
         '"connections" must be at least 1.'),
        ({"type": "list", "url": AMQP, "key": "l"},
         '"url" must start with one of redis://, rediss:// and name a host.'),
        ({"type": "exchange", "url": f"http://{PASSWORD}@x", "routing_key": "q"},
         '"url" must start with one of amqp://, amqps://, redis://, rediss:// and name a host.'),
        ({"type": "list", "url": f"redis://:{PASSWORD}@h:port/0", "key": "l"},
         '"url" must start with one of redis://, rediss:// and name a host.'),
        ({"type": "list", "url": "redis://h/mails", "key": "l"},
         '"url" must end with the number of a database, such as /0.'),
        ({"type": "exchange", "url": AMQP},
         '"routing_key" is required without an exchange: name the queue, or give "routing_keys".'),
        ({"type": "exchange", "url": AMQP, "exchange_type": "topic", "routing_key": "q"},
         '"exchange" is required for this "exchange_type"; name it.'),
        ({"type": "exchange", "url": REDIS, "exchange": "e", "exchange_type": "topic"},
         '"exchange_type" on Redis must be direct or fanout; use AMQP for others.'),
        ({"type": "exchange", "url": AMQP, "exchange": "e", "key_prefix": "p:"},
         '"key_prefix" belongs to Redis; remove it.'),
        ({"type": "list", "url": REDIS, "key": "l", "ca_file": "/etc/hostname"},
         '"ca_file" needs a URL of TLS: amqps:// or rediss://.'),
        ({"type": "list", "url": "rediss://h/0", "key": "l", "ca_file": "/no/such/file"},
         '"ca_file" names no file that can be read.'),
    ],
)  # fmt: skip
def test_faulty_definition_is_refused_by_a_sentence(definition, sentence):
    assert refusal(**definition) == [sentence]


@pytest.mark.parametrize(
    "url", [f"{REDIS}?ssl_cert_reqs=none", f"{REDIS}#x", f"redis://:a;{PASSWORD}@h/0"]
)
def test_url_with_parameters_is_refused_since_they_could_switch_checks_off(url):
    (sentence,) = refusal(type="list", url=url, key="l")
    assert sentence.startswith('"url" must end after the path')


def test_merchant_that_is_no_id_is_refused():
    (sentence,) = refusal(type="list", url=REDIS, key="l", merchants=["acme"])
    assert sentence.startswith('"merchants/0" must match the pattern')


@pytest.mark.parametrize("name", ["", "Orders", "a b", "-x", "x" * 64, "ü"])
def test_name_of_a_destination_is_plain(name):
    text = json.dumps({name: {"type": "list", "url": REDIS, "key": "l"}})
    with pytest.raises(InvalidDestinations, match="its name must be 1 to 63"):
        parse_destinations(text)


@pytest.mark.parametrize("text", ["[]", "nonsense", '"x"', "{", '{"a": {}, "a": {}}'])
def test_text_that_is_no_object_is_refused(text):
    with pytest.raises(InvalidDestinations):
        parse_destinations(text)


def test_every_faulty_destination_is_named():
    text = json.dumps({"a": {}, "b": {"type": "list", "url": REDIS, "key": "l"}, "c": 1})
    with pytest.raises(InvalidDestinations) as refused:
        parse_destinations(text)
    assert [line.split(":")[0] for line in refused.value.problems] == [
        'destination "a"',
        'destination "c"',
    ]


@pytest.mark.parametrize(
    ("name", "patterns", "answer"),
    [
        ("shop.close", ("shop.close",), True),
        ("shop.close_all", ("shop.close",), False),
        ("shop.close", ("shop.*",), True),
        ("shopping.close", ("shop.*",), False),
        ("anything", ("*",), True),
        ("shop.*", ("shop.close",), False),
        ("a", (), False),
    ],
)
def test_pattern_is_a_name_or_a_beginning(name, patterns, answer):
    assert fits(name, patterns) is answer
