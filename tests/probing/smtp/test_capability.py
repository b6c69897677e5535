import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.probing.smtp.capability import NONE, parse_capabilities


def parse(*texts):
    return parse_capabilities((b"mail.test greets you", *texts))


@pytest.mark.parametrize(
    "texts",
    [
        (b"AUTH LOGIN PLAIN",),
        (b"auth login plain",),
        (b"AUTH=LOGIN PLAIN",),
        (b"AUTH=LOGIN", b"AUTH PLAIN LOGIN"),
        (b"AUTH LOGIN PLAIN", b"AUTH=LOGIN PLAIN"),
        (b"AUTH  LOGIN\tPLAIN ",),
    ],
)
def test_auth_is_read_in_either_form_and_any_case(texts):
    assert parse(*texts).mechanisms == ("LOGIN", "PLAIN")


def test_the_first_line_is_the_servers_name_and_offers_nothing():
    assert parse_capabilities((b"STARTTLS AUTH PLAIN",)) == NONE


def test_unknown_and_unreadable_lines_are_passed_over():
    capabilities = parse(b"SIZE 10240000", b"\xff\xfe", b"", b"X_Y", b"\x00AUTH PLAIN", b"starttls")
    assert capabilities.keywords == {"SIZE", "STARTTLS"}
    assert "STARTTLS" in capabilities


def test_of_others_at_most_a_hundred_are_kept():
    assert len(parse(*(b"X%d" % number for number in range(500))).keywords) == 100


def test_what_the_dialogue_asks_for_is_seen_however_much_stands_before_it():
    many = [b"X%d" % number for number in range(190)]
    capabilities = parse(*many, b"STARTTLS", b"AUTH PLAIN")
    assert "STARTTLS" in capabilities
    assert capabilities.mechanisms == ("PLAIN",)


@given(st.lists(st.binary(max_size=40)))
def test_no_octets_break_the_parser(texts):
    parse_capabilities(texts)
