"""The least that Starlette on uvicorn's h11 can do: read a body, answer 800 bytes of JSON."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"hello": "%b"}' % (b"x" * 786)


async def hello(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/hello", hello, methods=["POST"])])
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", ws="none", log_level="warning")
