"""Calls the tool by the client of PyPI, and prints what it makes of the answer.

The one argument is JSON: a `command` to start or a `url` with its `token`, the `mode` of the
client, and the calls to make.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


def transport(asked):
    if "command" in asked:
        command, *arguments = asked["command"]
        return StdioServerParameters(command=command, args=arguments, cwd=asked["cwd"])
    headers = {"Authorization": f"Bearer {asked['token']}"}
    client = httpx2.AsyncClient(headers=headers, timeout=120)
    return streamable_http_client(asked["url"], http_client=client)


async def main():
    asked = json.loads(sys.argv[1])
    stages = []

    async def progress(progress, total, message):
        stages.append(message)

    async with Client(transport(asked), mode=asked["mode"]) as client:
        tools = await client.list_tools()
        results = []
        for name, arguments in asked["calls"]:
            result = await client.call_tool(name, arguments, progress_callback=progress)
            results.append(result.model_dump(mode="json", by_alias=True))
        print(
            json.dumps(
                {
                    "revision": client.protocol_version,
                    "tools": [tool.name for tool in tools.tools],
                    "results": results,
                    "stages": stages,
                }
            )
        )


asyncio.run(main())
