"""A client for whichever node of a cluster serves one hash slot.

All keys of one namespace lie in one slot (`producer.contract.keyspace`), so a client of it talks to
one node at a time, as behind sentinels to the primary, and all that a plain client of redis-py can
do goes on working: transactions, scripts, blocking calls, subscriptions. Its own cluster client
chooses a node for each command by the command's keys, and pays for it with most of these.

nodes        who serves the slot, by CLUSTER SLOTS
connections  connections that go there, for threads and for asyncio
patience     how long a failover or a moving slot is waited for
"""
