"""What operators do to the store, and that workers see it."""

import json
from pathlib import Path

import pytest

from producer.contract.names import MASK
from producer.records import BadInputError, NotKnownError, RefusedError
from producer.records.brands import add_brand, list_brands, remove_brand, rotate_key
from producer.records.catalogue import import_catalogue, list_catalogue
from producer.records.integrations import (
    import_integrations,
    list_integrations,
    reseal,
    show_integration,
)
from producer.records.store import auth_key_digest
from producer.sealing.at_rest import PasswordVault
from tests.support.integration_world import BODY, BRAND, NOW_MS, World

pytestmark = pytest.mark.redis_server

EXAMPLE = Path(__file__).parents[3] / "examples" / "catalogue.json"
GOLDEN = Path(__file__).parents[2] / "golden"
ENTRY = {"type": "SMTP", "name": "Mail", "id": "mail", "status": "Active"}


class TestBrands:
    async def test_a_new_brands_key_is_admitted_and_stored_as_a_hash_only(self, world: World):
        made = add_brand(world.redis, world.keys, "https://New.Example/")
        assert made.brand == "new.example"
        assert made.auth_key not in repr(made)
        stored = world.redis.hgetall(world.keys.auth_keys("new.example"))
        assert stored == {b"current": auth_key_digest(made.brand, made.auth_key).encode()}
        outcome = await world.update("none", brand=made.brand, auth_key=made.auth_key)
        assert outcome.codes == ("AppIntegrationSmtpNotFound",)

    def test_a_brand_that_exists_keeps_its_key(self, world: World):
        add_brand(world.redis, world.keys, "new.example")
        before = world.redis.hgetall(world.keys.auth_keys("new.example"))
        with pytest.raises(RefusedError):
            add_brand(world.redis, world.keys, "NEW.example/")
        assert world.redis.hgetall(world.keys.auth_keys("new.example")) == before

    @pytest.mark.parametrize(
        "url",
        [
            *("", "https://", "a\nb", "x" * 600, f"https://{'x' * 600}.example"),
            *(
                "not-a-url",
                "two words.example",
                "https://a b",
                "ftp://shop.example",
                "/shop.example",
            ),
            *("https://user:secret@shop.example", "user@shop.example", "https://shop.example?x=1"),
            *(
                "shop.example#top",
                "https://.example",
                "https://-a.example",
                "https://shop..example",
            ),
            *("https://shop.example:port", "https:shop.example", "javascript:alert(1)"),
        ],
    )
    def test_what_is_no_brand_url_is_refused(self, world: World, url):
        with pytest.raises(BadInputError):
            add_brand(world.redis, world.keys, url)

    @pytest.mark.parametrize(
        ("url", "brand"),
        [
            ("https://intranet", "intranet"),
            ("HTTP://Shop.Example:8443/eu/", "shop.example:8443/eu"),
            ("autohaus-müller.example", "autohaus-müller.example"),
            ("localhost:8080", "localhost:8080"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
            ("http://192.0.2.7", "192.0.2.7"),
        ],
    )
    def test_what_is_a_brand_url_is_taken(self, world: World, url, brand):
        assert add_brand(world.redis, world.keys, url).brand == brand

    async def test_a_removed_brand_leaves_nothing_and_may_be_added_again(self, world: World):
        made = add_brand(world.redis, world.keys, "https://new.example")
        assert remove_brand(world.redis, world.keys, "NEW.example/") == 0
        assert list(world.redis.scan_iter("*new.example*")) == []
        outcome = await world.update("none", brand=made.brand, auth_key=made.auth_key)
        assert outcome.codes == ("Unauthorized",)
        with pytest.raises(NotKnownError):
            remove_brand(world.redis, world.keys, "new.example")
        assert add_brand(world.redis, world.keys, "new.example").auth_key != made.auth_key

    async def test_a_brand_with_integrations_goes_only_with_them(self, world: World):
        record = await world.create(isDefault=True)
        with pytest.raises(RefusedError, match="1 integrations"):
            remove_brand(world.redis, world.keys, BRAND)
        assert world.record(record)
        assert remove_brand(world.redis, world.keys, BRAND, with_integrations=True) == 1
        assert list(world.redis.scan_iter(f"*:{BRAND}")) == []
        assert BRAND.encode() not in world.redis.smembers(world.keys.brands)

    async def test_after_a_rotation_both_keys_are_valid_for_the_grace(self, world: World):
        old = add_brand(world.redis, world.keys, "new.example")
        new = rotate_key(world.redis, world.keys, "new.example", grace_seconds=60)
        for key in (old.auth_key, new.auth_key):
            outcome = await world.update("none", brand="new.example", auth_key=key)
            assert outcome.codes == ("AppIntegrationSmtpNotFound",)
        (facts,) = list_brands(world.redis, world.keys)
        assert facts.previous_until_ms is not None

    async def test_without_grace_the_old_key_ends_at_once(self, world: World):
        old = add_brand(world.redis, world.keys, "new.example")
        rotate_key(world.redis, world.keys, "new.example", grace_seconds=0)
        outcome = await world.update("none", brand="new.example", auth_key=old.auth_key)
        assert outcome.codes == ("Unauthorized",)

    async def test_a_second_rotation_ends_the_first_key(self, world: World):
        first = add_brand(world.redis, world.keys, "new.example")
        rotate_key(world.redis, world.keys, "new.example")
        rotate_key(world.redis, world.keys, "new.example")
        outcome = await world.update("none", brand="new.example", auth_key=first.auth_key)
        assert outcome.codes == ("Unauthorized",)

    def test_an_unknown_brand_has_no_key_to_rotate(self, world: World):
        with pytest.raises(NotKnownError):
            rotate_key(world.redis, world.keys, "nobody.example")


class TestCatalogue:
    def test_entries_are_added_and_replaced_by_id(self, world: World):
        import_catalogue(world.redis, world.keys, [ENTRY, {**ENTRY, "id": "b", "name": "Box"}])
        import_catalogue(world.redis, world.keys, [{**ENTRY, "name": "Mail 2", "createdDate": "x"}])
        found = {entry.id: entry.name for entry in list_catalogue(world.redis, world.keys)}
        assert found == {"gmail": "Gmail", "stripe": "Stripe", "mail": "Mail 2", "b": "Box"}

    def test_the_example_file_is_a_catalogue_of_smtp_providers(self, world: World):
        document = json.loads(EXAMPLE.read_text())
        assert import_catalogue(world.redis, world.keys, document) == len(document)
        stored = {entry.id: entry for entry in list_catalogue(world.redis, world.keys)}
        for entry in document:
            assert stored[entry["id"]].model_dump(mode="json", by_alias=True) == entry
            assert entry["type"] == "SMTP"

    @pytest.mark.parametrize(
        ("document", "complaint"),
        [
            ({}, "a catalogue file holds"),
            ([], "holds no entry"),
            ([ENTRY, {"type": "SMTP", "name": "x"}], "entry 2: id: field required"),
            ([ENTRY, ENTRY], "the same id"),
            (["x"], "entry 1"),
        ],
    )
    def test_a_bad_file_adds_nothing(self, world: World, document, complaint):
        with pytest.raises(BadInputError, match=complaint):
            import_catalogue(world.redis, world.keys, document)
        assert len(list_catalogue(world.redis, world.keys)) == 2


class TestRecords:
    @pytest.fixture(autouse=True)
    def _listed_brand(self, world: World):
        world.redis.sadd(world.keys.brands, BRAND)

    async def test_records_are_listed_with_their_default_and_masked(self, world: World):
        first = await world.create(name="A", isDefault=True)
        second = await world.create(name="b", isDefault=True)
        found = list_integrations(world.redis, world.keys, f"https://{BRAND}/")
        assert [(data.id, data.is_default) for data in found] == [(first, False), (second, True)]
        assert {data.password for data in found} == {MASK}
        assert show_integration(world.redis, world.keys, BRAND, second) == found[1]

    async def test_one_is_shown_without_reading_the_others(self, world: World):
        wanted = await world.create(name="A")
        world.redis.hset(world.keys.records(BRAND), "other", "no record")
        assert show_integration(world.redis, world.keys, BRAND, wanted).name == "A"

    @pytest.mark.parametrize("record_id", ["none", "\ud800", "n\0ne", ""])
    async def test_what_is_not_there_cannot_be_shown(self, world: World, record_id: str):
        with pytest.raises(NotKnownError):
            show_integration(world.redis, world.keys, BRAND, record_id)

    async def test_of_no_brand_nothing_can_be_listed(self, world: World):
        with pytest.raises(NotKnownError):
            show_integration(world.redis, world.keys, "nobody.example", "none")
        with pytest.raises(NotKnownError):
            list_integrations(world.redis, world.keys, "nobody.example")

    async def test_an_import_writes_records_that_a_worker_can_update(self, world: World):
        bodies = [{**BODY, "id": "kept", "isDefault": False}, {**BODY, "password": "second"}]
        first, second = import_integrations(world.redis, world.keys, world.vault, BRAND, bodies)
        assert first == "kept"
        assert world.default() == second
        assert world.password(second) == "second"
        now_ms = world.redis.time()[0] * 1000 + 5000
        outcome = await world.update(first, password=MASK, name="n", submitted_ms=now_ms)
        assert outcome.result.success

    def test_an_import_takes_the_vendors_own_example_as_an_update_does(self, world: World):
        body = json.loads((GOLDEN / "integration_update_request.json").read_text())
        import_catalogue(world.redis, world.keys, [{**ENTRY, "id": body["appIntegrationId"]}])
        (made,) = import_integrations(world.redis, world.keys, world.vault, BRAND, [body])
        assert show_integration(world.redis, world.keys, BRAND, made).host == body["host"]

    async def test_an_import_overtakes_what_was_submitted_before_it(self, world: World):
        import_integrations(world.redis, world.keys, world.vault, BRAND, [{**BODY, "id": "x"}])
        outcome = await world.update("x", submitted_ms=NOW_MS)
        assert outcome.codes == ("AppIntegrationConflictSetting",)

    async def test_an_import_that_replaces_the_default_takes_its_flag(self, world: World):
        record_id = await world.create(isDefault=True)
        body = {**BODY, "id": record_id, "isDefault": False}
        import_integrations(world.redis, world.keys, world.vault, BRAND, [body])
        assert world.default() is None

    @pytest.mark.parametrize(
        ("document", "complaint"),
        [
            ({}, "a JSON array"),
            ([], "a JSON array"),
            ([BODY, {**BODY, "port": "25"}], "entry 2: port must be an integer"),
            ([{**BODY, "password": MASK}], "entry 1: password"),
            ([{**BODY, "appIntegrationId": "stripe"}], "entry 1: appIntegrationId"),
            ([{**BODY, "id": 5}], "entry 1: id"),
            ([{**BODY, "id": "x", "isDefault": False}] * 2, "the same id"),
            ([BODY, BODY], "one default"),
            ([7], "entry 1: The request body"),
        ],
    )
    async def test_a_bad_file_writes_nothing(self, world: World, document, complaint):
        with pytest.raises(BadInputError, match=complaint):
            import_integrations(world.redis, world.keys, world.vault, BRAND, document)
        assert world.redis.exists(world.keys.records(BRAND)) == 0


class TestReseal:
    async def test_every_password_gets_the_new_key_and_stays_what_it_is(self, world: World):
        world.redis.sadd(world.keys.brands, BRAND)
        record_id = await world.create(password="kept")
        old = world.vault
        new = PasswordVault([("k2", b"2" * 32), ("k1", b"1" * 32)])
        assert reseal(world.redis, world.keys, new) == (1, 0, ())
        assert reseal(world.redis, world.keys, new) == (0, 1, ())
        world.vault = PasswordVault([("k2", b"2" * 32)])
        assert world.password(record_id) == "kept"
        assert reseal(world.redis, world.keys, old) == (0, 0, ((BRAND, record_id),))
        assert world.password(record_id) == "kept"
