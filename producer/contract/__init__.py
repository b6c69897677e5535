"""What producer and worker agree on: names, codes, envelopes, the documented payloads.

A leaf package. It imports pydantic and nothing else of ours, so any side may import it.
"""
