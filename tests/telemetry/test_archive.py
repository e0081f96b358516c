"""Whatever a log is packed in is opened within limits, and what cannot be opened is named with its remedy."""

from __future__ import annotations

import builtins
import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import py7zr
import pytest
import pyzipper
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry import archive, content, seven_zip_entries, zip_entries
from stillhunt.telemetry.archive import fault_of, members

LOG = b"".join(b"line %d %s\n" % (n, random.Random(n).randbytes(20).hex().encode()) for n in range(3000))
SHORT = b"a short log\n"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in entries:
            file.writestr(name, data)
    return out.getvalue()


def tarred(*entries: tuple[str, bytes] | tarfile.TarInfo, kind: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind, encoding="utf-8", errors="surrogateescape") as file:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                file.addfile(entry)
                continue
            info = tarfile.TarInfo(entry[0])
            info.size = len(entry[1])
            file.addfile(info, io.BytesIO(entry[1]))
    return out.getvalue()


def seven(*entries: tuple[str, bytes], password: str | None = None, hidden: bool = False) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, header_encryption=hidden) as file:
        for name, data in entries:
            file.writestr(data, name)
    return out.getvalue()


def aes(name: str, data: bytes, password: bytes) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as file:
        file.setpassword(password)
        file.writestr(name, data)
    return out.getvalue()


def zip_crypto(name: str, data: bytes, password: bytes) -> bytes:
    """Encrypt a stored member with the old cipher, which the standard library only reads."""
    keys = [0x12345678, 0x23456789, 0x34567890]
    table = [_crc_of_byte(n) for n in range(256)]

    def update(byte: int) -> None:
        keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

    for byte in password:
        update(byte)
    crc = zlib.crc32(data)
    secret = bytearray()
    for byte in bytes(11) + bytes([crc >> 24]) + data:
        half = keys[2] | 2
        secret.append(byte ^ (((half * (half ^ 1)) >> 8) & 0xFF))
        update(byte)
    raw = name.encode()
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 1, 0, 0, 0x5421, crc, len(secret), len(data), len(raw), 0)
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 1, 0, 0, 0x5421, crc, len(secret), len(data), len(raw), 0, 0, 0, 0, 0, 0
    )
    body = local + raw + bytes(secret)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central) + len(raw), len(body), 0)
    return body + central + raw + end


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    return value


@pytest.fixture
def unpack(tmp_path):
    """Return (name, content or note, remedy or fault) of all that a file holds."""

    def all_of(data: bytes, **options: object) -> list[tuple[str, bytes | str, str | None]]:
        path = tmp_path / "given"
        path.write_bytes(data)
        found: list[tuple[str, bytes | str, str | None]] = []
        for member in members(path, lambda: path.open("rb"), **options):
            name = member.name.removeprefix(str(path)).removeprefix("!")
            if member.note:
                found.append((name, member.note, member.remedy))
                continue
            with member.open() as stream:
                read = b"".join(iter(lambda s=stream: s.read1(1 << 16), b""))
            fault = fault_of(stream)
            found.append((name, read, fault.message if fault else None))
        return found

    return all_of


WHOLE = {
    "nothing": lambda c: c,
    "gzip": gzip.compress,
    "gzip of several": lambda c: gzip.compress(c[:999]) + gzip.compress(b"") + gzip.compress(c[999:]),
    "gzip padded with zeros": lambda c: gzip.compress(c) + bytes(1000),
    "bzip2": bz2.compress,
    "bzip2 of several": lambda c: bz2.compress(c[:999]) + bz2.compress(c[999:]),
    "xz": lzma.compress,
    "xz of several with padding": lambda c: lzma.compress(c[:999]) + bytes(8) + lzma.compress(c[999:]),
    "lzma": lambda c: lzma.compress(c, lzma.FORMAT_ALONE),
    "zstd": zstd.compress,
    "zstd of several, one to be skipped": lambda c: (
        zstd.compress(c[:999]) + b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + zstd.compress(c[999:])
    ),
    "gzip of xz": lambda c: gzip.compress(lzma.compress(c)),
}


@pytest.mark.parametrize("how", WHOLE)
@pytest.mark.parametrize("data", [LOG, b"", b"x"], ids=["log", "empty", "a byte"])
def test_a_compressed_file_gives_all_it_holds(unpack, how, data):
    assert unpack(WHOLE[how](data)) == [("", data, None)]


INSIDE = {
    "zip": lambda c: zipped(("a/x.log", c)),
    "zip, stored": lambda c: zipped(("a/x.log", c), method=zipfile.ZIP_STORED),
    "zip with bzip2": lambda c: zipped(("a/x.log", c), method=zipfile.ZIP_BZIP2),
    "zip with lzma": lambda c: zipped(("a/x.log", c), method=zipfile.ZIP_LZMA),
    "7z": lambda c: seven(("a/x.log", c)),
    "tar, ustar": lambda c: tarred(("a/x.log", c), kind=tarfile.USTAR_FORMAT),
    "tar, gnu": lambda c: tarred(("a/x.log", c), kind=tarfile.GNU_FORMAT),
    "tar, pax": lambda c: tarred(("a/x.log", c)),
    "tar.gz": lambda c: gzip.compress(tarred(("a/x.log", c))),
    "tar.bz2": lambda c: bz2.compress(tarred(("a/x.log", c))),
    "tar.xz": lambda c: lzma.compress(tarred(("a/x.log", c))),
    "tar.zst": lambda c: zstd.compress(tarred(("a/x.log", c))),
    "tar.lzma": lambda c: lzma.compress(tarred(("a/x.log", c)), lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("how", INSIDE)
def test_an_archive_gives_its_members(unpack, how):
    assert unpack(INSIDE[how](LOG)) == [("a/x.log", LOG, None)]


def test_a_tar_of_the_oldest_kind_is_known_by_its_checksum(unpack):
    header = bytearray(tarred(("x.log", SHORT), kind=tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header[:512])
    assert unpack(bytes(header)) == [("x.log", SHORT, None)]


def test_archives_in_archives_are_opened(unpack):
    inner = gzip.compress(tarred(("deep.log.xz", lzma.compress(LOG))))
    assert unpack(zipped(("b.tar.gz", inner), ("a.log", SHORT))) == [
        ("a.log", SHORT, None),
        ("b.tar.gz!deep.log.xz", LOG, None),
    ]


def test_archives_are_opened_four_deep_and_no_deeper(unpack):
    data = SHORT
    for _ in range(6):
        data = zipped(("x", data))
    ((name, note, remedy),) = unpack(data)
    assert name == "x!x!x!x"
    assert "no deeper" in str(note)
    assert remedy


CUT = {"gzip": gzip.compress, "bzip2": lambda c: bz2.compress(c, 1), "xz": lzma.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("how", CUT)
def test_of_a_cut_stream_what_there_is_is_read_and_the_fault_is_named(unpack, how):
    log = random.Random(7).randbytes(500_000).hex().encode()
    packed = CUT[how](log)
    ((_, read, fault),) = unpack(packed[: len(packed) * 2 // 3])
    assert log.startswith(read)
    assert len(read) > len(log) // 8
    assert "cannot be read to its end" in fault
    assert "cut short" in fault


def test_of_a_damaged_gzip_everything_before_the_damage_is_read(unpack):
    packed = bytearray(gzip.compress(LOG))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = b"\xff" * 64
    ((_, read, fault),) = unpack(bytes(packed))
    assert len(read) > len(LOG) // 3
    assert read[: len(LOG) // 3] == LOG[: len(LOG) // 3]
    assert fault


def test_what_follows_a_gzip_is_left_and_said(unpack):
    ((_, read, fault),) = unpack(gzip.compress(LOG) + b"\nrubbish")
    assert read == LOG
    assert "no gzip data follows" in fault


def test_a_gzip_of_which_nothing_can_be_read_is_an_error_with_a_hint(unpack):
    with pytest.raises(SourceError) as caught:
        unpack(b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 50)
    assert caught.value.hint


def test_a_cut_tar_gives_the_members_before_the_cut(unpack):
    whole = tarred(("a.log", LOG), ("b.log", LOG), ("c.log", LOG))
    found = unpack(gzip.compress(whole)[:-40_000])
    assert [name for name, *_ in found[:2]] == ["a.log", "b.log"]
    assert found[0] == ("a.log", LOG, None)
    assert sum("cut short" in str(text) or "damaged" in str(text) for *_, text in [f[:2] for f in found]) >= 1


def test_a_tar_with_a_damaged_header_gives_what_lies_before_it(unpack):
    whole = bytearray(tarred(("a.log", LOG), ("b.log", LOG), kind=tarfile.USTAR_FORMAT))
    second = 512 + (len(LOG) + 511) // 512 * 512
    whole[second : second + 512] = b"\xee" * 512
    found = unpack(bytes(whole))
    assert found[0] == ("a.log", LOG, None)
    assert found[1][0] == ""
    assert "no header at byte" in str(found[1][1])
    assert found[1][2]


def test_a_zip_without_its_list_is_read_from_the_beginning(unpack):
    whole = zipped(("a.log", LOG), ("b.log", LOG))
    found = unpack(whole[: len(whole) - 300])
    assert found[0] == ("a.log", LOG, None)
    assert found[1][0] == "b.log"
    assert LOG.startswith(found[1][1])
    assert "damaged zip" in str(found[2][1])
    assert found[2][2]


def test_a_zip_of_a_stream_without_its_list_is_read_from_the_beginning(unpack):
    class Unseekable(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, chunk: object) -> int:
            self.data += bytes(chunk)  # type: ignore[call-overload]
            return len(bytes(chunk))  # type: ignore[call-overload]

    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.log", LOG)
        file.writestr("b.log", SHORT)
    found = unpack(out.data[: out.data.index(b"PK\1\2")])
    assert found[:2] == [("a.log", LOG, None), ("b.log", SHORT, None)]


def test_one_damaged_member_hides_no_other(unpack):
    whole = bytearray(zipped(("a.log", LOG), ("b.log", LOG)))
    whole[60:90] = b"\xff" * 30
    found = unpack(bytes(whole))
    assert found[0][2]
    assert found[1] == ("b.log", LOG, None)


def test_a_zip64_archive_is_read(unpack):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, file.open("x.log", "w", force_zip64=True) as member:
        member.write(LOG)
    assert unpack(out.getvalue()) == [("x.log", LOG, None)]


@pytest.mark.parametrize("name", ["../../etc/x.log", "/etc/x.log", "C:\\x.log", "x\u202egol.exe", "a/./b//c"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_leads_elsewhere_is_only_a_name(unpack, pack, name):
    ((shown, read, _),) = unpack(pack((name, SHORT)))
    assert read == SHORT
    assert shown


def test_a_name_in_no_known_encoding_is_shown_as_escapes(unpack):
    ((name, read, _),) = unpack(tarred(("caf\udce9.log", SHORT), kind=tarfile.GNU_FORMAT))
    assert (name, read) == ("caf\\xe9.log", SHORT)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_of_one_name_are_told_apart(unpack, pack):
    found = unpack(pack(("x", b"1"), ("x", b"2"), ("x (2)", b"3")))
    assert len({name for name, *_ in found}) == 3
    assert {read for _, read, _ in found} == {b"1", b"2", b"3"}
    assert found[0][:2] == ("x", b"1")


def test_links_and_devices_in_a_tar_are_said_and_not_followed(unpack):
    def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info

    packed = tarred(
        ("log", SHORT),
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard", tarfile.LNKTYPE, "log"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
        special("folder", tarfile.DIRTYPE),
    )
    assert unpack(packed) == [
        ("device", "a device, no file", None),
        ("hard", "another name of log, read once", None),
        ("link", "a symbolic link, not followed", None),
        ("log", SHORT, None),
        ("pipe", "a pipe, no file", None),
    ]


def test_a_link_in_a_zip_is_said_and_not_followed(unpack):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    assert unpack(out.getvalue()) == [("link", "a symbolic link, not followed", None)]


NOT_READ = {
    "rar": b"Rar!\x1a\x07\x01\x00" + bytes(99),
    "cabinet": b"MSCF" + bytes(99),
    "lz4": b"\x04\x22\x4d\x18" + bytes(99),
    "compress": b"\x1f\x9d\x90" + bytes(99),
}


@pytest.mark.parametrize("kind", NOT_READ)
def test_what_is_packed_in_another_way_is_named_with_its_remedy(unpack, kind):
    ((_, note, remedy),) = unpack(NOT_READ[kind])
    assert kind in str(note).lower()
    assert "unpack it" in remedy


@pytest.mark.parametrize("data", [zipped(), seven()], ids=["zip", "7z"])
def test_an_empty_archive_is_said_to_be_empty(unpack, data):
    assert unpack(data) == [("", "an empty archive, no log", None)]


LOCKED = {
    "zip": zip_crypto("x.log", SHORT * 99, b"Secr\xc3\xa9t"),
    "zip with AES": aes("x.log", SHORT * 99, "Secrét".encode()),
    "7z": seven(("x.log", SHORT * 99), password="Secrét"),
    "7z with hidden names": seven(("x.log", SHORT * 99), password="Secrét", hidden=True),
}


@pytest.mark.parametrize("kind", LOCKED)
def test_a_locked_archive_opens_with_its_password_among_others(unpack, kind):
    found = unpack(LOCKED[kind], passwords=["infected", "Secrét", "x"])
    assert found == [("x.log", SHORT * 99, None)]


@pytest.mark.parametrize("kind", LOCKED)
@pytest.mark.parametrize("passwords", [(), ("wrong", "also wrong")])
def test_a_locked_archive_without_its_password_is_named_with_its_remedy(unpack, kind, passwords):
    ((_, note, remedy),) = unpack(LOCKED[kind], passwords=passwords)
    assert "password" in str(note)
    assert "--password" in remedy
    assert "wrong" not in f"{note}{remedy}"


def test_a_wrong_password_that_passes_the_first_check_is_found_out(unpack):
    # One byte is all that the old cipher checks at once.
    lucky = [f"{n}" for n in range(2000)]
    assert unpack(LOCKED["zip"], passwords=[*lucky, "Secrét"]) == [("x.log", SHORT * 99, None)]


def test_without_the_extra_the_remedy_is_to_install_it(unpack, monkeypatch):
    missing = {"py7zr", "pyzipper"}
    monkeypatch.setattr(seven_zip_entries, "find_spec", lambda name: None if name in missing else 1)
    monkeypatch.setattr(zip_entries, "_knows_aes", lambda: False)
    for data in (seven(("x", SHORT)), LOCKED["zip with AES"]):
        ((_, _, remedy),) = unpack(data, passwords=["Secrét"])
        assert "stillhunt[archives]" in remedy


def test_a_name_in_a_7z_that_leads_out_costs_no_other_member(unpack, monkeypatch):
    monkeypatch.setattr(py7zr.py7zr, "check_archive_path", lambda _: True)
    found = unpack(seven(("../x.log", LOG), ("y.log", SHORT)))
    assert ("y.log", SHORT, None) in found
    assert any("leads out" in str(text) for _, text, _ in found)


def test_a_7z_of_many_members_is_read_in_order_of_their_names(unpack):
    entries = [(f"{n:03}.log", b"%d\n" % n * 50) for n in range(60)]
    assert unpack(seven(*reversed(entries))) == [(name, data, None) for name, data in entries]


def test_a_damaged_7z_is_named(unpack):
    whole = bytearray(seven(("a.log", LOG)))
    whole[60:120] = b"\xff" * 60
    found = unpack(bytes(whole))
    assert any("damaged 7-Zip" in str(text) for _, text, _ in found)


def test_a_bomb_is_stopped_by_its_ratio(unpack, monkeypatch):
    monkeypatch.setattr(content, "_ALWAYS_ALLOWED", 1 << 20)
    for packed in (gzip.compress(bytes(9 << 20)), zipped(("x", bytes(9 << 20))), bz2.compress(bytes(9 << 20))):
        with pytest.raises(SourceError, match="archive bomb"):
            unpack(packed)


def test_many_members_that_are_small_bombs_are_stopped_together(unpack, monkeypatch):
    monkeypatch.setattr(content, "_ALWAYS_ALLOWED_IN_ALL", 4 << 20)
    monkeypatch.setattr(content, "_MAX_RATIO", 2)
    packed = zipped(*((f"{n}", bytes(1 << 20)) for n in range(9)))
    with pytest.raises(SourceError, match="what it holds unpacks to more than 4 MiB"):
        unpack(packed)


def test_a_7z_bomb_is_stopped_while_it_is_unpacked(unpack, monkeypatch):
    monkeypatch.setattr(content, "_ALWAYS_ALLOWED_IN_ALL", 4 << 20)
    monkeypatch.setattr(content, "_MAX_RATIO", 2)
    with pytest.raises(SourceError, match="archive bomb"):
        unpack(seven(("x", bytes(9 << 20))))


def test_an_archive_of_too_many_members_is_stopped(unpack, monkeypatch):
    monkeypatch.setattr(content, "_MAX_MEMBERS", 50)
    with pytest.raises(SourceError, match="more than 50 members"):
        unpack(tarred(*((f"{n}", b"x") for n in range(60))))


def test_a_tar_header_that_claims_a_huge_name_is_not_loaded(unpack):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = b"L", 8 << 30
    head = info.tobuf(tarfile.GNU_FORMAT)
    ((_, note, remedy),) = unpack(head + bytes(1 << 16))
    assert "damaged tar" in str(note)
    assert remedy


@pytest.mark.usefixtures("patience")
def test_a_tar_of_very_many_members_is_read_to_its_end(unpack):
    n = 16_000
    packed = tarred(*((f"{k * 7919 % n:06}", b"x" * 20) for k in range(n)), kind=tarfile.USTAR_FORMAT)
    assert len(unpack(packed)) == n


def test_times_come_from_the_innermost_that_knows(tmp_path):
    then, later = datetime(2011, 5, 6, 7, 8, 10, tzinfo=UTC), datetime(2015, 1, 2, 3, 4, 6, tzinfo=UTC)
    info = tarfile.TarInfo("x")
    info.mtime = then.timestamp()
    stamped = zipfile.ZipInfo("z", later.timetuple()[:6])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(stamped, tarred(info))
        file.writestr(zipfile.ZipInfo("none"), SHORT)
        file.writestr(zipfile.ZipInfo("gz", later.timetuple()[:6]), gzip.compress(SHORT, mtime=int(then.timestamp())))
    path = tmp_path / "x.zip"
    path.write_bytes(out.getvalue())
    own = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    found = {m.name.rpartition("!")[2]: m.modified for m in members(path, lambda: path.open("rb"))}
    assert found == {"x": then, "none": own, "gz": then}


def test_a_plain_file_has_the_time_of_the_file_system(tmp_path):
    path = tmp_path / "x.log"
    path.write_bytes(SHORT)
    (member,) = members(path, lambda: path.open("rb"))
    assert member.modified == datetime.fromtimestamp(path.stat().st_mtime, UTC)


def test_a_password_is_shown_nowhere(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(LOCKED["zip"])
    for member in members(path, lambda: path.open("rb"), passwords=["Secrét", "other"]):
        assert "Secr" not in repr(member)


SEEDS = [
    zipped(("a", LOG), ("b", SHORT)),
    tarred(("a", SHORT), ("b", SHORT)),
    seven(("a", SHORT)),
    *(pack(SHORT * 9) for pack in WHOLE.values()),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SEEDS), st.integers(0, 10**6), st.binary(max_size=20), st.integers(0, 10**6))
def test_damage_is_never_fatal(unpack, seed, at, rubbish, cut):
    data = bytearray(seed)
    data[at % len(data) : at % len(data) + len(rubbish)] = rubbish
    try:
        unpack(bytes(data[: len(data) - cut % (len(data) + 1)]), passwords=["x"])
    except SourceError as error:
        assert error.where  # noqa: PT017 - which of the two happens is not the point


@pytest.mark.parametrize(
    ("name", "n_members"),
    [
        ("spamassassin-easy-ham-1.tar.gz", 2500),
        ("spamassassin-hard-ham-dev-half.tar.gz", 123),
        ("phishing_pot-dev600.tar.gz", 600),
    ],
)
def test_real_archives_of_mail_hold_what_their_list_says(shared_data, name, n_members):
    path = shared_data / "mail" / name
    found = [m for m in members(path, lambda: path.open("rb")) if not m.note]
    assert len(found) == n_members
    assert len({m.name for m in found}) == n_members


def test_real_zips_are_opened_without_a_fault(shared_data):
    for path in sorted((shared_data / "otrf-atomic").glob("*.zip"))[:12]:
        for member in members(path, lambda path=path: path.open("rb")):
            assert not (member.note and member.remedy)
            if not member.note:
                with member.open() as stream:
                    assert stream.read(100)
                    assert fault_of(stream) is None


def test_nothing_else_is_opened(tmp_path, monkeypatch, unpack):
    """No archive makes a file of its own naming."""
    before = set(Path(tmp_path).iterdir())
    opened = builtins.open

    def guarded(file, mode="r", *args, **kwargs):
        assert "w" not in mode or Path(file).name == "given"
        return opened(file, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", guarded)
    unpack(zipped(("../evil", SHORT)))
    unpack(seven(("evil", SHORT)))
    assert set(Path(tmp_path).iterdir()) - before == {tmp_path / "given"}
    assert archive.__all__
