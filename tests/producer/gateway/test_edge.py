"""What every answer has in common, and what is no good request at all."""

import asyncio
import gc
import json
import re
import socket
from contextlib import suppress

import pytest
import structlog
import uvicorn
from uvicorn.server import ServerState

from producer.gateway import protocol
from producer.gateway.pace import Pace
from tests.support.gateway import BODY, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server

INTEGRATION = "/api/v1/app-integrations/smtp"


async def connect(client):
    return await asyncio.open_connection(client.base_url.host, client.base_url.port)


async def exchange(client, *parts):
    """Send octets on a connection of their own; return all that comes back until it is closed."""
    reader, writer = await connect(client)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", TEST_PATH, "POST"),
        ("PATCH", INTEGRATION, "GET, HEAD, POST"),
        ("POST", f"{INTEGRATION}/x", "DELETE, GET, HEAD, PUT"),
        ("PATCH", f"{INTEGRATION}/test", "DELETE, GET, HEAD, POST, PUT"),
        ("DELETE", "/jobs/x", "GET, HEAD"),
        ("OPTIONS", "/", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_the_right_ones(gateway, method, path, allow):
    answer = await gateway.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/communications/dealers/x/nothing", "application/json", "NOT_FOUND"),
        (f"{TEST_PATH}/", "application/json", "NOT_FOUND"),
        ("/dealers//email-credentials/test", "application/json", "NOT_FOUND"),
        ("/api/v1/app-integrations/imap", "application/json", "NotFound"),
        ("/nothing", "application/problem+json", "NOT_FOUND"),
        ("/healthz/", "application/problem+json", "NOT_FOUND"),
        ("/static/..%2Fpages.py", "application/problem+json", "NOT_FOUND"),
    ],
)
async def test_nothing_is_found_in_the_shape_of_the_family_and_nothing_redirects(
    gateway, path, kind, code
):
    answer = await gateway.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, kind)
    document = answer.json()
    shown = document if "code" in document else document["errors"][0]
    assert shown.get("code", shown.get("errorCode")) == code


async def test_problem_details_are_as_rfc_9457_writes_them(gateway):
    document = (await gateway.get("/nothing")).json()
    assert (document["type"], document["title"], document["status"]) == (
        "about:blank",
        "Not Found",
        404,
    )
    assert len(document["errorUID"]) == 36


async def test_every_answer_has_the_security_headers_and_none_for_other_origins(gateway, crm):
    origin = {"Origin": "https://evil.example"}
    for path in ("/", "/healthz", "/nothing", "/docs", "/openapi.json", TEST_PATH):
        answer = await gateway.get(path, auth=crm, headers=origin)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_pages_allow_nothing_unsafe_and_nothing_from_elsewhere(gateway, crm):
    for path in ("/", "/docs"):
        policy = (await gateway.get(path, auth=crm)).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "http" not in policy


async def test_the_guide_names_every_path_and_loads_nothing_from_elsewhere(gateway):
    page = (await gateway.get("/docs")).text
    for path in (await gateway.get("/openapi.json")).json()["paths"]:
        assert f" {path}</code>" in page
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert not [link for link in links if not link.startswith(("/", "#"))]


async def test_what_is_no_http_is_a_400_with_the_same_headers(gateway):
    for octets in (b"\x16\x03\x01\x00\xf4\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000):
        head, _, body = (await exchange(gateway, octets)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"x-content-type-options: nosniff" in head.lower()
        assert b"cache-control: no-store" in head.lower()
        assert json.loads(body)["status"] == 400


async def test_what_is_no_http_is_logged_under_its_error_id(gateway):
    with structlog.testing.capture_logs() as lines:
        answer = await exchange(gateway, b"\x16\x03\x01\x00\xf4\r\n\r\n")
    error_id = json.loads(answer.partition(b"\r\n\r\n")[2])["errorUID"]
    (line,) = [line for line in lines if line["event"] == "no_http"]
    assert line["error_id"] == error_id
    assert line["client"] == "127.0.0.1"


async def test_a_target_in_absolute_form_is_its_path(gateway):
    request = b"GET http://any.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await exchange(gateway, request)).startswith(b"HTTP/1.1 200 ")


HALF = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def test_half_requests_delay_nobody(store, server, crm):
    async with running_gateway(settings(server.url, gateway_read_seconds=3600)) as client:
        half = [await connect(client) for _ in range(300)]
        for _, writer in half:
            writer.write(HALF)
        assert (await client.get("/", auth=crm)).status_code == 200
        for reader, writer in half:
            assert not reader.at_eof()
            writer.close()


async def test_half_requests_are_closed(store, server):
    async with running_gateway(settings(server.url, gateway_read_seconds=0.3)) as client:
        half = [await connect(client) for _ in range(30)]
        for reader, writer in half:
            with suppress(ConnectionResetError):  # closed before it was written
                writer.write(HALF)
                assert await reader.read() == b""
            writer.close()


async def test_a_header_that_trickles_does_not_move_its_deadline(store, server):
    async with running_gateway(settings(server.url, gateway_read_seconds=0.5)) as client:
        reader, writer = await connect(client)
        closed = asyncio.create_task(reader.read())
        async with asyncio.timeout(10):
            while not closed.done():
                writer.write(b"G")
                await asyncio.wait({closed}, timeout=0.1)
        writer.close()


async def test_a_second_half_request_on_a_connection_has_a_deadline_too(store, server):
    async with running_gateway(settings(server.url, gateway_read_seconds=0.5)) as client:
        whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        reader, writer = await connect(client)
        writer.write(whole)
        await reader.readuntil(b"}")
        writer.write(b"GET /heal")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


def upload(path, *headers):
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_a_body_that_does_not_come_is_a_408(store, server, crm):
    async with running_gateway(settings(server.url, gateway_read_seconds=0.3)) as client:
        auth = f"Authorization: {crm._auth_header}"
        answer = await exchange(client, upload(TEST_PATH, auth, "Content-Length: 9"), b"{")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"REQUEST_TIMED_OUT" in answer


async def test_without_a_credential_not_a_byte_of_the_body_is_asked_for(gateway):
    head = upload(TEST_PATH, "Content-Length: 100", "Expect: 100-continue")
    answer = await exchange(gateway, head)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in answer


async def test_an_upload_that_is_refused_is_answered_whole_and_closed(gateway, crm):
    """Also where the client sends on: it must not push gigabytes, nor lose the answer."""
    auth = f"Authorization: {crm._auth_header}"
    cases = {
        b"401": upload(TEST_PATH, f"Content-Length: {3 << 30}"),
        b"413": upload(TEST_PATH, auth, f"Content-Length: {3 << 30}"),
        b"405": upload("/healthz", "Transfer-Encoding: chunked") + b"fffffff\r\n",
    }
    for status, head in cases.items():
        reader, writer = await connect(gateway)
        writer.write(head + b"x" * 400_000)
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in answer.lower()
        await asyncio.wait_for(reader.read(), 20)
        writer.close()


async def test_a_body_that_is_no_http_is_a_400(gateway, crm):
    auth = f"Authorization: {crm._auth_header}"
    head = upload(TEST_PATH, auth, "Transfer-Encoding: chunked")
    answer = await exchange(gateway, head, b"no chunk\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (await gateway.get("/healthz")).status_code == 200


async def test_a_chunked_body_is_counted(gateway, crm):
    async def endless():
        for _ in range(40):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    answer = await gateway.post(TEST_PATH, content=endless(), headers=headers, auth=crm)
    assert answer.status_code == 413


@pytest.mark.parametrize("login", [True, False])
async def test_a_body_in_thousands_of_tiny_chunks_is_no_http(gateway, crm, login):
    """Each takes as long to parse as a kilobyte: a read full of them would hold up everybody."""
    credential = [f"Authorization: {crm._auth_header}"] if login else []
    head = upload(TEST_PATH, *credential, "Transfer-Encoding: chunked", "Connection: close")
    answer = await exchange(gateway, head, b"1\r\n \r\n" * 6000)
    assert b"This is no HTTP/1.1 request." in answer
    assert (await gateway.get("/healthz")).status_code == 200


async def test_a_body_in_small_chunks_is_read(gateway, crm, worker):
    """As a client sends it that encodes token by token, twice on one connection."""
    body = json.dumps({**BODY, "padding": "x" * 300_000}).encode()
    head = upload(
        TEST_PATH,
        f"Authorization: {crm._auth_header}",
        "Prefer: respond-async",
        "Transfer-Encoding: chunked",
    )
    tokens, rest = body[:4000], body[4000:]
    chunks = [tokens[at : at + 1] for at in range(4000)]
    chunks += [rest[at : at + 300] for at in range(0, len(rest), 300)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    reader, writer = await connect(gateway)
    for _ in range(2):
        writer.write(head + sent)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert answer.startswith(b"HTTP/1.1 202 ")
        await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r")[0]))
    writer.close()


async def test_a_read_body_keeps_the_connection(gateway, crm, worker):
    headers = {"Prefer": "respond-async"}
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
    assert "connection" not in answer.headers


async def test_a_connection_that_rests_is_kept_for_longer_than_proxies_keep_it(gateway):
    """Those close theirs after 60 s; into one that we close first a request may be on its way."""
    assert (await gateway.get("/healthz")).status_code == 200
    (end,) = [
        one.timeout_keep_alive_task
        for one in gc.get_objects()
        if isinstance(one, protocol.DeadlineProtocol) and one in one.connections
    ]
    assert end.when() - asyncio.get_running_loop().time() > 60


async def test_forwarded_headers_are_believed_of_trusted_proxies_only(store, server):
    forwarded = {"X-Forwarded-For": "evil, 203.0.113.7, 10.1.2.3", "X-Forwarded-Proto": "https"}
    trusting = settings(server.url, gateway_trusted_proxies="127.0.0.0/8,10.0.0.0/8")
    for chosen, client_address, strict in (
        (settings(server.url), "127.0.0.1", False),
        (trusting, "203.0.113.7", True),
    ):
        with structlog.testing.capture_logs() as lines:
            async with running_gateway(chosen) as client:
                answer = await client.get("/healthz", headers=forwarded)
        assert ("strict-transport-security" in answer.headers) is strict
        (line,) = [line for line in lines if line["event"] == "request"]
        assert line["client"] == client_address


async def test_a_length_that_is_announced_in_two_ways_is_a_400_and_the_connection_ends(
    gateway, crm
):
    """A proxy in front that goes by the other one would see a second request in the body."""
    auth = f"Authorization: {crm._auth_header}"
    chunked = "Transfer-Encoding: chunked"
    smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    both = upload(TEST_PATH, auth, chunked, "Content-Length: 4")
    old = upload(TEST_PATH, auth, chunked).replace(b"HTTP/1.1", b"HTTP/1.0")
    for head in (both, both.replace(auth.encode(), b"X: y"), old):
        answer = await exchange(gateway, head, smuggled)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"INVALID_REQUEST_DATA" in answer


async def test_a_credential_that_is_there_twice_is_refused_whichever_is_right(gateway, crm, shop):
    right = ("Authorization", crm._auth_header)
    wrong = ("Authorization", "Basic eDp5")
    for headers in ([right, wrong], [wrong, right]):
        answer = await gateway.post(TEST_PATH, json=BODY, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (
            400,
            "INVALID_REQUEST_DATA",
        )
    for name in shop:
        answer = await gateway.get(INTEGRATION, headers=[*shop.items(), (name, "other")])
        assert answer.status_code == 400
    same = await gateway.post(TEST_PATH, json={}, headers=[right, right])
    assert same.json()["errors"][0]["errorCode"] == "INVALID_REQUEST_DATA"
    assert "emailCredentialsRequests" in same.json()["errors"][0]["errorDescription"]


async def test_a_range_of_a_static_file_is_ignored(gateway):
    whole = await gateway.get("/static/page.css")
    assert whole.headers["content-type"] == "text/css; charset=utf-8"
    for wanted in ("bytes=0-3", "bytes=a-b", "bytes=" + ",".join("0-" for _ in range(2000))):
        answer = await gateway.get("/static/page.css", headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (200, whole.content)


async def test_every_picture_and_script_has_its_type(gateway):
    for name, kind in (("icon.svg", "image/svg+xml"), ("form.js", "text/javascript")):
        answer = await gateway.get(f"/static/{name}")
        assert answer.headers["content-type"].split(";")[0] == kind
        assert answer.headers["cache-control"] == "public, max-age=3600"
        assert (await gateway.head(f"/static/{name}")).headers["content-length"] == str(
            len(answer.content)
        )


async def test_a_client_that_takes_nothing_of_its_answers_is_given_up(store, server):
    loop = asyncio.get_running_loop()
    with structlog.testing.capture_logs() as lines, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0)
        async with running_gateway(settings(server.url), Pace(stalls=0.1)) as client:
            await loop.sock_connect(deaf, (client.base_url.host, client.base_url.port))
            await loop.sock_sendall(deaf, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
            while "answer_not_taken" not in {line["event"] for line in lines}:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    told = next(line for line in lines if line["event"] == "answer_not_taken")
    assert told["unsent_bytes"] > 0


class Line:
    """A transport of which the test says how much is unsent."""

    def __init__(self):
        self.unsent = 0
        self.aborted = False

    def get_write_buffer_size(self):
        return self.unsent

    def get_extra_info(self, _name, default=None):
        return default

    def is_closing(self):
        return False

    def abort(self):
        self.aborted = True


async def test_a_client_that_takes_anything_or_the_next_answer_is_not_given_up():
    config = uvicorn.Config(None, loop="none")
    made = protocol.DeadlineProtocol(config, ServerState(), {})
    made.transport = line = Line()
    made.cycle = "a"
    for cycle, unsent in (("a", 9), ("a", 8), ("b", 8), ("b", 0), ("b", 0), ("b", 10), ("c", 12)):
        made.cycle, line.unsent = cycle, unsent
        made.require_progress()
        assert not line.aborted
    made.require_progress()
    assert line.aborted
