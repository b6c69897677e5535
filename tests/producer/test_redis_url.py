import pytest

from producer.redis_url import (
    ClusterUrl,
    PlainUrl,
    RedisUrlError,
    SentinelUrl,
    parse_redis_url,
    without_password,
)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://cache", "cache"),
        ("redis://user:s3cret@cache:6380/2", "cache:6380"),
        ("rediss://:s3cret@[::1]:6380/0?ssl_cert_reqs=required", "[::1]:6380"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("unix://user:s3cret@/run/a%20b.sock?db=1", "/run/a b.sock"),
    ],
)
def test_a_plain_url_is_kept_and_its_location_shows_no_credential(url, location):
    parsed = parse_redis_url(url)
    assert parsed == PlainUrl(url)
    assert parsed.location == location
    assert "s3cret" not in repr(parsed)


def test_a_sentinel_url_is_read():
    parsed = parse_redis_url("redis+sentinel://us%40er:s3%2Fcret@h1:26380,h2,[::1]:7/main/3")
    assert parsed == SentinelUrl(
        hosts=(("h1", 26380), ("h2", 26379), ("::1", 7)),
        service="main",
        database=3,
        username="us@er",
        password="s3/cret",
        tls=False,
    )
    assert "s3/cret" not in repr(parsed) + parsed.location
    assert parsed.location == "h1:26380,h2:26379,::1:7 (sentinels of main)"


def test_a_sentinel_url_may_leave_out_database_and_credential():
    parsed = parse_redis_url("rediss+sentinel://h1/main")
    assert isinstance(parsed, SentinelUrl)
    assert (parsed.database, parsed.username, parsed.password, parsed.tls) == (0, None, None, True)


def test_a_cluster_url_names_some_nodes():
    parsed = parse_redis_url("redis+cluster://us%40er:s3%2Fcret@h1:7000,h2,[::1]:7")
    assert isinstance(parsed, ClusterUrl)
    assert parsed.hosts == (("h1", 7000), ("h2", 6379), ("::1", 7))
    assert (parsed.username, parsed.password, parsed.tls) == ("us@er", "s3/cret", False)
    assert "s3" not in repr(parsed) + parsed.location
    assert parsed.location == "h1:7000,h2:6379,::1:7 (nodes of a cluster)"


def test_a_cluster_url_over_tls_takes_the_options_of_tls():
    parsed = parse_redis_url("rediss+cluster://h1/0?ssl_ca_certs=/ca.pem")
    assert isinstance(parsed, ClusterUrl)
    assert (parsed.tls, parsed.options) == (True, "ssl_ca_certs=/ca.pem")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must start with"),
        ("s3cret", "must start with"),
        ("http://u:s3cret@h", "must start with"),
        ("redis://u:s3cret@h:99999", "host and port"),
        ("redis://u:s3cret@h:0", "host and port"),
        ("redis://u:s3cret@h:port", "host and port"),
        ("redis://[::1", "host and port"),
        ("redis://h/s3cret", "database"),
        ("redis://h?s3cret=1", "option"),
        ("redis://h?db=s3cret", "wrong value for its option db"),
        ("redis://h?protocol=", "wrong value for its option protocol"),
        ("redis://h?ssl_ca_certs=/ca.pem", "option"),
        ("rediss://h?ssl_cert_reqs=s3cret", "option ssl_cert_reqs"),
        ("unix://", "path"),
        ("redis+sentinel://h1,h2", "service"),
        ("redis+sentinel:///main", "host name"),
        ("redis+sentinel://h1,,h2/main", "host name"),
        ("redis+sentinel://u:s3cret@h1:99999/main", "port"),
        ("redis+sentinel://h1:0/main", "port"),
        ("redis+sentinel://h1/main/s3cret", "database"),
        ("redis+cluster://", "host name"),
        ("redis+cluster://u:s3cret@h1,,h2", "host name"),
        ("redis+cluster://u:s3cret@h1:0", "port"),
        ("redis+cluster://h1/3", "no databases"),
        ("redis+cluster://h1?db=3", "no databases"),
        ("redis+cluster://h1?s3cret=1", "option"),
        ("redis+cluster://h1?ssl_ca_certs=/ca.pem", "option"),
    ],
)
def test_what_names_no_redis_is_refused_without_a_quote(url, reason):
    with pytest.raises(RedisUrlError, match=reason) as caught:
        parse_redis_url(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://cache", "redis://cache"),
        ("redis://user:s3cret@cache:6380/2", "redis://user:********@cache:6380/2"),
        ("redis://:s3@cret@cache", "redis://:********@cache"),
        ("redis://user:s3:cret@cache", "redis://user:********@cache"),
        ("redis://s3cret@cache/0", "redis://********@cache/0"),
        (
            "rediss://:s3cret@[::1]:1/0?ssl_cert_reqs=none",
            "rediss://:********@[::1]:1/0?ssl_cert_reqs=none",
        ),
        ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
        ("unix://u:s3cret@/run/a.sock?db=1", "unix://u:********@/run/a.sock?db=1"),
        (
            "redis+sentinel://u:s3%2Fcret@h1:26380,h2/main/3",
            "redis+sentinel://u:********@h1:26380,h2/main/3",
        ),
    ],
)
def test_a_url_is_shown_with_its_password_alone_masked(url, shown):
    parse_redis_url(url)  # only such a one is shown
    assert without_password(url) == shown


@pytest.mark.parametrize("url", ["redis://user:12#s3cret@cache/0", "unix:///run/redis#1.sock"])
def test_a_number_sign_that_would_cut_a_url_off_is_refused(url):
    with pytest.raises(RedisUrlError, match="%23") as error:
        parse_redis_url(url)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b", ".a", "m\udcfc.example"])
@pytest.mark.parametrize(
    "url", ["redis://{}/0", "redis://u:s3cret@{}:6380", "redis+sentinel://{}/main"]
)
def test_a_host_that_no_look_up_can_take_is_refused(url, host):
    with pytest.raises(RedisUrlError, match="valid host"):
        parse_redis_url(url.format(host))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "cache.example.",
        "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
        "[::1]",
        "a_b",
    ],
)
def test_a_host_of_any_other_name_is_taken(host):
    parse_redis_url(f"redis://{host}/0")
    parse_redis_url(f"redis+sentinel://{host}/main")
