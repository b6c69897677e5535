"""What the reply to CLUSTER SLOTS tells of the nodes, as servers of several ages write it."""

import pytest

from producer.redis_cluster.nodes import Nodes, SlotNotServedError

URL = (("a", 1), ("b", 2))
REPLY = [
    [0, 99, [b"10.0.0.1", 7000, b"id"], [b"10.0.0.4", 7003, b"id", []]],
    [100, 16383, [b"10.0.0.2", 7001, b"id", [b"hostname", b"x"]], [b"10.0.0.5", 7004, b"id"]],
]


def nodes(slot=100, known=URL):
    return Nodes(slot, {}, known)


@pytest.mark.parametrize(
    ("slot", "owner"),
    [(0, "10.0.0.1"), (99, "10.0.0.1"), (100, "10.0.0.2"), (16383, "10.0.0.2")],
)
def test_the_first_node_of_a_range_serves_its_slots(slot, owner):
    assert nodes(slot).learn(("a", 1), REPLY)[0] == owner


def test_who_serves_the_slot_is_asked_first_next_time_and_those_of_the_url_stay_known():
    found = nodes()
    found.learn(("gone", 9), [[0, 16383, [b"gone", 9, b"id"], [b"gone too", 9, b"id"]]])
    found.learn(("a", 1), REPLY)
    assert found.known[0] == ("10.0.0.2", 7001)
    assert set(found.known) == {*URL, *((f"10.0.0.{n}", 6999 + n) for n in (1, 2, 4, 5))}


def test_who_did_not_answer_is_asked_last():
    found = nodes()
    found.failed(("a", 1))
    assert found.known == (("b", 2), ("a", 1))


def test_each_node_is_asked_once_also_those_learned_of_meanwhile():
    found = nodes()
    asked = []
    for node in found.each():
        asked.append(node)
        if node == ("a", 1):
            found.learn(node, REPLY)
    assert sorted(asked) == sorted({*URL, *found.known})
    assert len(asked) == 6


@pytest.mark.parametrize("host", [b"", "", None])
def test_a_node_that_knows_no_address_of_its_own_is_the_one_that_was_asked(host):
    assert nodes().learn(("gate.example", 7), [[0, 16383, [host, 7001, b"id"]]]) == (
        *("gate.example", 7001),
    )


def test_a_node_whose_name_is_not_known_is_nowhere_to_go():
    reply = [[0, 16383, [b"?", 7001, b"id"], [b"10.0.0.9", 7002, b"id"]]]
    with pytest.raises(SlotNotServedError):
        nodes().learn(("a", 1), reply)


def test_a_slot_that_nobody_serves_is_told():
    with pytest.raises(SlotNotServedError, match="slot 100"):
        nodes().learn(("a", 1), REPLY[:1])
