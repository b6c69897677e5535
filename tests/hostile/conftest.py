import uvloop


def pytest_asyncio_loop_factories(config, item):
    """What the worker runs on."""
    return {"uvloop": uvloop.new_event_loop}
