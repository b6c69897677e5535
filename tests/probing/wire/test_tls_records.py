import pytest

from producer.contract.report import Security
from tests.support import certificates
from tests.support.probing import dial_server
from tests.support.servers import serve
from worker.probing.wire.tls_records import UnfinishedRecord

RECORDS = [
    b"\x17\x03\x03\x00\x03abc",
    b"\x17\x03\x03\x00\x00",
    b"\x16\x03\x03\x01\x00" + b"x" * 256,
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1000])
def test_what_is_there_of_a_record_is_counted_at_any_chunk_size(size):
    octets, ends = b"".join(RECORDS), [8, 13, 274]
    record = UnfinishedRecord()
    for end in range(size, len(octets) + size, size):
        record.feed(octets[end - size : end])
        came = min(end, len(octets))
        assert record.size == came - max([0, *(each for each in ends if each <= came)])


async def test_words_in_the_largest_of_records_are_no_overhead_before_its_end():
    line = b"250-" + b"x" * 1000 + b"\r\n"

    async def script(wire):
        await wire.send(line * 16)  # 16 KiB, which OpenSSL seals as one record

    async with serve(script, tls=certificates.good()) as server:
        session = await dial_server(server, Security.IMPLICIT_TLS)
        lines = [await session.read_line() for _ in range(16)]
        await session.close()
    assert lines == [line[:-2]] * 16
