"""The admin's pages of merchants, people and memberships: who sees and changes what."""

import pytest
from django.urls import reverse

from tenants.identifiers import new_id
from tenants.models import Membership, Merchant, User
from tenants.operations import add_member
from tenants.roles import Role
from tests.factories.tenants import PASSWORD, make_superuser

pytestmark = pytest.mark.django_db
MERCHANTS = reverse("admin:tenants_merchant_changelist")
MEMBERSHIPS = reverse("admin:tenants_membership_changelist")


def change_url(obj):
    return reverse(f"admin:tenants_{obj._meta.model_name}_change", args=[obj.pk])


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
    gone = new_id()
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
        "weight": "50",
        "max_templates": "999999",
    }
    assert client.post(change_url(mine), data).status_code == 302
    before, slug = mine.requests_per_minute, mine.slug
    templates = mine.max_templates
    mine.refresh_from_db()
    assert (mine.name, mine.time_zone) == ("Renamed", "Europe/Berlin")
    assert (mine.slug, mine.requests_per_minute, mine.active) == (slug, before, True)
    assert (mine.max_templates, mine.weight) == (templates, 1)
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
            "dead_letter_days": "30",
            "weight": "1",
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
