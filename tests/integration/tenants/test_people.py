"""People, their memberships, and the one door to what merchants own."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction

from tenants.models import Membership, Merchant, User
from tenants.operations import (
    AlreadyMember,
    add_member,
    end_membership,
    resume_membership,
    set_role,
)
from tenants.roles import Role
from tests.factories.tenants import PASSWORD, make_member, make_merchant, make_superuser, make_user

pytestmark = pytest.mark.django_db


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
