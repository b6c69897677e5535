"""Passwords at rest."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stat import S_IMODE, S_ISDIR

import pytest
from pydantic import SecretStr

from producer.sealing.at_rest import CannotOpenError, PasswordVault, store_key_files
from producer.sealing.requests import SealingError, write_store_key

OLD, NEW = ("old.2025", b"o" * 32), ("new", b"n" * 32)
PLACE = {"brand": "shop.example", "record_id": "r1"}
SECRET = SecretStr("pässwörd \U0001f511")


def test_what_was_sealed_opens_again():
    vault = PasswordVault([NEW])
    assert vault.open(vault.seal(SECRET, **PLACE), **PLACE) == SECRET


def test_the_same_password_never_looks_the_same():
    vault = PasswordVault([NEW])
    assert vault.seal(SECRET, **PLACE) != vault.seal(SECRET, **PLACE)


def test_the_first_key_seals_and_every_key_opens():
    sealed = PasswordVault([OLD]).seal(SECRET, **PLACE)
    rotating = PasswordVault([NEW, OLD])
    assert rotating.open(sealed, **PLACE) == SECRET
    assert not rotating.is_current(sealed)
    assert rotating.is_current(rotating.seal(SECRET, **PLACE))


@pytest.mark.parametrize(
    "other",
    [
        {"brand": "rival.example", "record_id": "r1"},
        {"brand": "shop.example", "record_id": "r2"},
        {"brand": "shop.exampler", "record_id": "1"},
    ],
)
def test_a_password_that_was_moved_to_another_record_does_not_open(other):
    vault = PasswordVault([NEW])
    with pytest.raises(CannotOpenError):
        vault.open(vault.seal(SECRET, **PLACE), **other)


def test_a_password_does_not_open_without_its_key():
    sealed = PasswordVault([OLD]).seal(SECRET, **PLACE)
    with pytest.raises(CannotOpenError):
        PasswordVault([NEW]).open(sealed, **PLACE)


@pytest.mark.parametrize("sealed", ["", "v1.new.", "v1.new.AAAA", "v1.new.é", "v2.new.AAAA", "x"])
def test_what_is_no_sealed_password_does_not_open(sealed):
    with pytest.raises(CannotOpenError):
        PasswordVault([NEW]).open(sealed, **PLACE)


def test_every_changed_character_is_noticed():
    vault = PasswordVault([NEW])
    sealed = vault.seal(SECRET, **PLACE)
    # The last character before the padding holds bits that mean nothing.
    for position in range(len("v1.new."), len(sealed.rstrip("=")) - 1):
        changed = (
            sealed[:position] + ("A" if sealed[position] != "A" else "B") + sealed[position + 1 :]
        )
        with pytest.raises(CannotOpenError):
            vault.open(changed, **PLACE)


def test_key_files_are_read_in_their_order(tmp_path: Path):
    first, second = write_store_key(tmp_path), write_store_key(tmp_path)
    sealed = PasswordVault.load([first]).seal(SECRET, **PLACE)
    assert PasswordVault.load([first, second]).is_current(sealed)
    assert PasswordVault.load([second, first]).open(sealed, **PLACE) == SECRET


def test_a_key_file_without_a_key_id_has_the_same_one_under_any_name(tmp_path: Path):
    jwk = json.loads(write_store_key(tmp_path).read_text())
    del jwk["kid"]
    for name in ("a.jwk", "b.jwk"):
        (tmp_path / name).write_text(json.dumps(jwk))
    sealed = PasswordVault.load([tmp_path / "a.jwk"]).seal(SECRET, **PLACE)
    assert PasswordVault.load([tmp_path / "b.jwk"]).open(sealed, **PLACE) == SECRET


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path):
    path = tmp_path / "store.jwk"
    path.write_text('{"kty": "oct", "k": "c2hvcnQ"}')
    with pytest.raises(SealingError):
        PasswordVault.load([path])


def test_where_no_key_is_named_one_is_made_and_found_again(tmp_path: Path):
    data_dir = tmp_path / "data"
    files, remark = store_key_files([], data_dir)
    assert files == (data_dir / "store-default.jwk",)
    assert str(files[0]) in remark
    assert S_IMODE(files[0].stat().st_mode) == 0o600
    assert store_key_files([], data_dir) == (files, "")
    assert [*data_dir.iterdir()] == [*files]
    PasswordVault.load(files)


def test_a_key_is_on_the_disk_before_anything_is_sealed_with_it(tmp_path: Path, monkeypatch):
    """A power cut left a file of zeros, then one without its name: records that nothing opens."""
    on_disk = {}

    def fsync(descriptor: int, synced=os.fsync):
        synced(descriptor)
        is_folder = S_ISDIR(os.fstat(descriptor).st_mode)
        size = os.fstat(descriptor).st_size
        on_disk[os.fstat(descriptor).st_ino] = os.listdir(descriptor) if is_folder else size

    monkeypatch.setattr(os, "fsync", fsync)
    (made,), _ = store_key_files([], tmp_path)
    assert on_disk[made.stat().st_ino] == made.stat().st_size
    assert on_disk[tmp_path.stat().st_ino] == [made.name]


def test_a_key_that_lies_there_is_used(tmp_path: Path):
    made = write_store_key(tmp_path)
    assert store_key_files([], tmp_path) == ((made,), "")


def test_of_processes_that_make_a_key_at_once_all_get_the_same(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        results = [*pool.map(lambda _: store_key_files([], tmp_path), range(8))]
    assert {files for files, _ in results} == {(tmp_path / "store-default.jwk",)}
    assert len([remark for _, remark in results if remark]) == 1


def test_a_named_key_is_used_and_none_made(tmp_path: Path):
    named = write_store_key(tmp_path / "keys")
    assert store_key_files([named], tmp_path / "data") == ((named,), "")
    assert not (tmp_path / "data").exists()
