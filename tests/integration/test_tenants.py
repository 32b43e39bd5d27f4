"""Merchants, people, and the one door to what merchants own."""

from io import StringIO

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from tenants.encryption import SecretUnreadable
from tenants.models import Membership, Merchant, User
from tenants.operations import (
    AlreadyMember,
    SecretChangedMeanwhile,
    add_member,
    create_merchant,
    end_membership,
    resume_membership,
    rotate_signing_secret,
    set_role,
)
from tenants.roles import Role
from tests.factories.tenants import (
    PASSWORD,
    make_member,
    make_merchant,
    make_merchant_admin,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db

MERCHANTS = reverse("admin:tenants_merchant_changelist")
MEMBERSHIPS = reverse("admin:tenants_membership_changelist")


def change_url(obj):
    return reverse(f"admin:tenants_{obj._meta.model_name}_change", args=[obj.pk])


# Merchants and their secrets


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "Factory"),
        ("slug", "no blanks"),
        ("name", ""),
        ("requests_per_minute", 0),
        ("max_waiting_jobs", 0),
        ("max_templates", 0),
    ],
)
def test_a_merchant_with_a_bad_field_is_refused_by_the_fields_name(field, value):
    with pytest.raises(ValidationError) as refusal:
        create_merchant(**{"name": "Acme", "slug": "acme", field: value})
    assert list(refusal.value.message_dict) == [field]
    assert not Merchant.objects.exists()


def test_a_slug_belongs_to_one_merchant():
    create_merchant(name="Acme", slug="acme")
    with pytest.raises(ValidationError) as refusal:
        create_merchant(name="Other", slug="acme")
    assert list(refusal.value.message_dict) == ["slug"]


def test_every_merchant_has_its_own_signing_secret_and_none_is_readable_in_the_database():
    merchants = [make_merchant(), make_merchant(), Merchant.objects.create(name="X", slug="x")]
    secrets = {merchant.signing_secret for merchant in merchants}
    assert len(secrets) == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(m::text, ' ') FROM tenants_merchant m")
        dump = cursor.fetchone()[0]
    assert not any(secret.removeprefix("whsec_") in dump for secret in secrets)


def test_a_secret_copied_into_another_merchants_row_does_not_open():
    owner, thief = make_merchant(), make_merchant()
    Merchant.objects.filter(pk=thief.pk).update(sealed_signing_secret=owner.sealed_signing_secret)
    thief.refresh_from_db()
    with pytest.raises(SecretUnreadable):
        _ = thief.signing_secret


def test_a_rotated_secret_is_another_one_and_only_this_merchants():
    merchant, bystander = make_merchant(), make_merchant()
    old, kept = merchant.signing_secret, bystander.signing_secret
    new = rotate_signing_secret(merchant=merchant)
    assert new != old
    assert Merchant.objects.get(pk=merchant.pk).signing_secret == new
    assert Merchant.objects.get(pk=bystander.pk).signing_secret == kept


def test_of_two_rotations_at_once_one_is_told_that_it_lost():
    merchant = make_merchant()
    stale = Merchant.objects.get(pk=merchant.pk)
    winner = rotate_signing_secret(merchant=merchant)
    with pytest.raises(SecretChangedMeanwhile):
        rotate_signing_secret(merchant=stale)
    assert Merchant.objects.get(pk=merchant.pk).signing_secret == winner


def test_reencrypt_secrets_moves_every_secret_to_the_first_key(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    before = {m.pk: m.signing_secret for m in (make_merchant(), make_merchant(active=False))}
    settings.ENCRYPTION_KEYS = ["new", "old"]
    call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert {m.pk: m.signing_secret for m in Merchant.objects.all()} == before


def test_reencrypt_secrets_names_the_merchants_whose_key_is_gone_and_does_the_others(settings):
    settings.ENCRYPTION_KEYS = ["lost"]
    lost = make_merchant()
    settings.ENCRYPTION_KEYS = ["old"]
    kept = make_merchant()
    secret = kept.signing_secret
    settings.ENCRYPTION_KEYS = ["new", "old"]
    with pytest.raises(CommandError, match=lost.slug):
        call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert Merchant.objects.get(pk=kept.pk).signing_secret == secret


# People


def test_an_address_is_one_login_in_any_case(client):
    user = make_superuser(email="Ada@Example.Test", password=PASSWORD)
    assert user.email == "ada@example.test"
    assert User.objects.get(email="ADA@example.test") == user
    assert client.login(username="aDA@EXAMPLE.test", password=PASSWORD)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user(email="ADA@example.test")


def test_the_database_itself_refuses_an_address_in_upper_case():
    user = make_user()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_user SET email = upper(email) WHERE id = %s", [user.pk])


def test_passwords_are_hashed_by_argon2():
    user = make_user(password=PASSWORD)
    assert user.password.startswith("argon2$argon2id$")
    assert PASSWORD not in user.password


def test_a_user_without_a_password_cannot_log_in(client):
    User.objects.create_user("ada@example.test")
    assert not client.login(username="ada@example.test", password="")


# Memberships


def test_joining_opens_the_admin_site_and_leaving_the_last_merchant_closes_it():
    first, second, bystander = make_merchant(), make_merchant(), make_member(make_merchant())
    user = make_user()
    one = add_member(merchant=first, user=user)
    two = add_member(merchant=second, user=user, role=Role.MERCHANT_ADMIN)
    end_membership(membership=one)
    assert User.objects.get(pk=user.pk).is_staff
    end_membership(membership=two)
    assert not User.objects.get(pk=user.pk).is_staff
    resume_membership(membership=two)
    assert User.objects.get(pk=user.pk).is_staff
    assert Membership.objects.get(pk=two.pk).role == Role.MERCHANT_ADMIN
    assert User.objects.get(pk=bystander.pk).is_staff


def test_a_superuser_who_leaves_a_merchant_keeps_the_admin_site():
    user = make_superuser()
    end_membership(membership=add_member(merchant=make_merchant(), user=user))
    assert User.objects.get(pk=user.pk).is_staff


def test_a_user_joins_a_merchant_once():
    merchant = make_merchant()
    user = make_member(merchant)
    with pytest.raises(AlreadyMember):
        add_member(merchant=merchant, user=user, role=Role.MERCHANT_ADMIN)
    assert Membership.objects.get(user=user).role == Role.MERCHANT_MEMBER


# The door


@pytest.fixture
def two():
    """Two merchants, with a member and an admin each."""
    mine, theirs = make_merchant(), make_merchant()
    people = {
        "member": make_member(mine),
        "admin": make_merchant_admin(mine),
        "their_member": make_member(theirs),
        "their_admin": make_merchant_admin(theirs),
    }
    return mine, theirs, people


def test_people_see_their_own_merchants_only(two):
    mine, theirs, people = two
    for who in ("member", "admin"):
        assert set(Merchant.objects.visible_to(people[who])) == {mine}
        seen = Membership.objects.visible_to(people[who])
        assert {membership.merchant_id for membership in seen} == {mine.pk}
        assert set(User.objects.visible_to(people[who])) == {people["member"], people["admin"]}
    assert set(Merchant.objects.visible_to(make_superuser())) == {mine, theirs}


def test_only_merchant_admins_manage_and_only_their_own(two):
    mine, theirs, people = two
    assert set(Merchant.objects.manageable_by(people["admin"])) == {mine}
    assert not Merchant.objects.manageable_by(people["member"])
    assert set(Merchant.objects.manageable_by(make_superuser())) == {mine, theirs}
    assert not User.objects.manageable_by(people["admin"])


def test_strangers_and_the_switched_off_see_nothing(two):
    mine, _, people = two
    stranger, asleep = make_user(), make_superuser(is_active=False)
    for user in (stranger, asleep, AnonymousUser()):
        for model in (Merchant, Membership, User):
            assert not model.objects.visible_to(user).exists()
            assert not model.objects.manageable_by(user).exists()
    end_membership(membership=Membership.objects.get(user=people["member"]))
    assert not Merchant.objects.visible_to(people["member"]).exists()
    Merchant.objects.filter(pk=mine.pk).update(active=False)
    assert not Merchant.objects.visible_to(people["admin"]).exists()


def test_a_role_holds_in_its_own_merchant_only(two):
    _, theirs, people = two
    add_member(merchant=theirs, user=people["admin"], role=Role.MERCHANT_MEMBER)
    assert theirs in Merchant.objects.visible_to(people["admin"])
    assert theirs not in Merchant.objects.manageable_by(people["admin"])
    set_role(
        membership=Membership.objects.get(user=people["admin"], merchant=theirs),
        role=Role.MERCHANT_ADMIN,
    )
    assert theirs in Merchant.objects.manageable_by(people["admin"])


# Admin pages


def test_lists_show_nothing_of_other_merchants(client, two):
    mine, theirs, people = two
    for who in ("member", "admin"):
        client.force_login(people[who])
        for page in (MERCHANTS, MEMBERSHIPS, reverse("admin:tenants_user_changelist")):
            html = client.get(page).content.decode()
            assert people["their_member"].email not in html
            assert f"{theirs.name}<" not in html
            assert str(theirs.pk) not in html
        assert mine.name in client.get(MERCHANTS).content.decode()


def test_another_merchants_page_answers_exactly_like_a_missing_one(client, two):
    _, theirs, people = two
    missing = make_merchant()
    gone = missing.pk
    missing.delete()
    client.force_login(people["admin"])
    foreign = client.get(change_url(theirs), follow=True)
    absent = client.get(reverse("admin:tenants_merchant_change", args=[gone]), follow=True)
    assert foreign.redirect_chain == absent.redirect_chain
    assert theirs.name not in foreign.content.decode()
    told = [str(message) for message in foreign.context["messages"]]
    assert [text.replace(str(theirs.pk), str(gone)) for text in told] == [
        str(message) for message in absent.context["messages"]
    ]


def test_a_merchant_admin_changes_name_and_time_zone_and_nothing_else(client, two):
    mine, theirs, people = two
    client.force_login(people["admin"])
    data = {
        "name": "Renamed",
        "time_zone": "Europe/Berlin",
        "slug": "stolen",
        "requests_per_minute": "999999",
        "max_waiting_jobs": "999999",
        "max_templates": "999999",
    }
    assert client.post(change_url(mine), data).status_code == 302
    before, slug = mine.requests_per_minute, mine.slug
    templates = mine.max_templates
    mine.refresh_from_db()
    assert (mine.name, mine.time_zone) == ("Renamed", "Europe/Berlin")
    assert (mine.slug, mine.requests_per_minute, mine.active) == (slug, before, True)
    assert mine.max_templates == templates
    client.post(change_url(theirs), data)
    assert Merchant.objects.get(pk=theirs.pk).name == theirs.name


def test_a_member_looks_at_its_merchant_and_changes_nothing(client, two):
    mine, _, people = two
    client.force_login(people["member"])
    assert client.get(change_url(mine)).status_code == 200
    refused = client.post(change_url(mine), {"name": "Renamed", "time_zone": "UTC"})
    assert refused.status_code == 403
    assert Merchant.objects.get(pk=mine.pk).name == mine.name


def test_a_bad_time_zone_is_refused_by_the_page(client, two):
    mine, _, people = two
    client.force_login(people["admin"])
    page = client.post(change_url(mine), {"name": "Renamed", "time_zone": "Mars/Olympus"})
    assert "is not a known time zone" in page.content.decode()
    assert Merchant.objects.get(pk=mine.pk).name == mine.name


def rotate(client, *merchants):
    data = {"action": "rotate_secret", "_selected_action": [str(m.pk) for m in merchants]}
    return client.post(MERCHANTS, data)


def test_the_signing_secret_is_shown_once_and_is_on_no_other_page(client, two, caplog):
    mine, theirs, people = two
    kept = theirs.signing_secret
    client.force_login(people["admin"])
    page = rotate(client, mine, theirs)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.signing_secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert theirs.signing_secret == kept
    for url in (MERCHANTS, change_url(mine), reverse("admin:index")):
        html = client.get(url).content.decode()
        assert mine.signing_secret not in html
        assert mine.sealed_signing_secret not in html
    assert mine.signing_secret not in caplog.text
    assert mine.signing_secret not in repr(mine) + str(vars(mine))


def test_a_member_cannot_rotate_the_signing_secret(client, two):
    mine, _, people = two
    before = mine.sealed_signing_secret
    client.force_login(people["member"])
    rotate(client, mine)
    assert Merchant.objects.get(pk=mine.pk).sealed_signing_secret == before


def test_who_only_looks_on_in_a_second_merchant_cannot_rotate_its_secret(client, two):
    mine, theirs, people = two
    add_member(merchant=theirs, user=people["admin"])
    before = theirs.sealed_signing_secret
    client.force_login(people["admin"])
    rotate(client, mine, theirs)
    assert Merchant.objects.get(pk=theirs.pk).sealed_signing_secret == before


def test_a_merchant_admin_sets_roles_in_its_merchant_but_not_its_own(client, two):
    _, _, people = two
    client.force_login(people["admin"])
    colleague = Membership.objects.get(user=people["member"])
    own = Membership.objects.get(user=people["admin"])
    foreign = Membership.objects.get(user=people["their_member"])
    data = {"role": Role.MERCHANT_ADMIN.value, "active": "on"}
    assert client.post(change_url(colleague), data).status_code == 302
    client.post(change_url(foreign), data)
    assert client.post(change_url(own), {"role": "merchant_member"}).status_code == 403
    roles = dict(Membership.objects.values_list("user__email", "role"))
    assert roles[people["member"].email] == Role.MERCHANT_ADMIN
    assert roles[people["their_member"].email] == Role.MERCHANT_MEMBER
    assert roles[people["admin"].email] == Role.MERCHANT_ADMIN


def test_switching_a_membership_off_in_the_admin_shuts_the_person_out(client, two):
    _, _, people = two
    client.force_login(people["admin"])
    membership = Membership.objects.get(user=people["member"])
    client.post(change_url(membership), {"role": membership.role})
    client.force_login(people["member"])
    assert client.get(reverse("admin:index")).status_code == 302


def test_a_superuser_makes_merchants_people_and_memberships(client):
    client.force_login(make_superuser())
    client.post(
        reverse("admin:tenants_merchant_add"),
        {
            "name": "Acme",
            "slug": "acme",
            "time_zone": "UTC",
            "active": "on",
            "max_waiting_jobs": "10",
            "max_templates": "10",
            "requests_per_minute": "10",
        },
    )
    merchant = Merchant.objects.get(slug="acme")
    assert merchant.signing_secret.startswith("whsec_")
    client.post(
        reverse("admin:tenants_user_add"),
        {
            "email": "New@Example.test",
            "name": "N",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "usable_password": "true",
        },
    )
    user = User.objects.get(email="new@example.test")
    assert user.check_password(PASSWORD)
    added = client.post(
        reverse("admin:tenants_membership_add"),
        {"user": user.pk, "merchant": merchant.pk, "role": "merchant_admin", "active": "on"},
    )
    assert added.status_code == 302
    user.refresh_from_db()
    assert user.is_staff
    assert set(Merchant.objects.manageable_by(user)) == {merchant}


@pytest.mark.parametrize("model", ["merchant", "membership", "user"])
def test_others_than_superusers_add_nothing_and_delete_nothing(client, two, model):
    mine, _, people = two
    client.force_login(people["admin"])
    assert client.get(reverse(f"admin:tenants_{model}_add")).status_code == 403
    target = {
        "merchant": mine,
        "membership": Membership.objects.get(user=people["member"]),
        "user": people["member"],
    }[model]
    url = reverse(f"admin:tenants_{model}_delete", args=[target.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert type(target).objects.filter(pk=target.pk).exists()


def test_a_colleague_page_shows_no_password_and_no_powers(client, two):
    _, _, people = two
    people["member"].set_password(PASSWORD)
    people["member"].save()
    client.force_login(people["admin"])
    html = client.get(change_url(people["member"])).content.decode()
    assert people["member"].email in html
    assert people["member"].password not in html
    assert 'name="is_superuser"' not in html
    password = reverse("admin:auth_user_password_change", args=[people["member"].pk])
    data = {"password1": "another-long-phrase", "password2": "another-long-phrase"}
    assert client.post(password, data).status_code == 403
    people["member"].refresh_from_db()
    assert people["member"].check_password(PASSWORD)


def test_autocomplete_offers_nothing_of_other_merchants(client, two):
    mine, theirs, people = two
    client.force_login(people["admin"])
    query = {"app_label": "tenants", "model_name": "membership", "field_name": "merchant"}
    found = client.get(reverse("admin:autocomplete"), {**query, "term": "Merchant"}).json()
    assert [row["text"] for row in found["results"]] == [mine.name]
    assert theirs.name not in str(found)


def test_a_superuser_switches_a_person_off(client, two):
    _, _, people = two
    client.force_login(make_superuser())
    page = client.get(change_url(people["member"])).content.decode()
    assert 'name="is_superuser"' in page
    data = {"email": people["member"].email, "name": "Gone", "is_staff": "on"}
    assert client.post(change_url(people["member"]), data).status_code == 302
    assert not User.objects.get(pk=people["member"].pk).is_active
    assert User.objects.get(pk=people["admin"].pk).is_active
