"""What holds for every operation: HEAD beside GET, the headers of every answer."""

from producer.openapi.parts import Json, headers

COMMON_HEADERS = headers(
    (
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cache-Control",
        "Strict-Transport-Security",
    )
)
PAGE_HEADERS = headers(("Content-Security-Policy", "Vary"))


def with_head(paths: Json) -> Json:
    """Declare HEAD wherever GET is: the same answers without their content."""
    return {
        path: {**item, **({"head": _head(item["get"])} if "get" in item else {})}
        for path, item in paths.items()
    }


def _head(get: Json) -> Json:
    bare = {
        status: {name: part for name, part in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
    }
    name = get["operationId"].replace("get", "head", 1).replace("list", "headOf", 1)
    return {**get, "operationId": name, "responses": bare}


def with_common_headers(paths: Json) -> Json:
    """Declare on every answer the headers that every answer has."""
    return {
        path: {
            name: part if name == "parameters" else {**part, "responses": _secured(part)}
            for name, part in item.items()
        }
        for path, item in paths.items()
    }


def _secured(operation: Json) -> Json:
    return {
        status: {
            **answer,
            "headers": {
                **answer.get("headers", {}),
                **COMMON_HEADERS,
                **(PAGE_HEADERS if "text/html" in answer.get("content", {}) else {}),
            },
        }
        for status, answer in operation["responses"].items()
    }
