"""
Scan: which TCP ports of which addresses answer, run by itself in the network of whoever looks.

    python scan.py ADDRESS,ADDRESS,… PORT,PORT,…

Prints JSON: what accepted a connection, what refused one. Whoever drops a packet says nothing, and
is in neither list.
"""

from __future__ import annotations

import asyncio
import json
import sys

# A host of the lab answers in a millisecond, a busy one in some tens.
_WAIT_S = 0.5
_AT_ONCE = 500


async def scanned(addresses: list[str], ports: list[int]) -> dict[str, list[tuple[str, int]]]:
    """Return who accepts, who refuses."""
    turns = asyncio.Semaphore(_AT_ONCE)
    found: dict[str, list[tuple[str, int]]] = {"accepted": [], "refused": []}

    async def ask(address: str, port: int) -> None:
        async with turns:
            try:
                async with asyncio.timeout(_WAIT_S):
                    _, writer = await asyncio.open_connection(address, port)
            except ConnectionRefusedError:
                found["refused"].append((address, port))
            except OSError:  # TimeoutError too: nobody said anything
                return
            else:
                found["accepted"].append((address, port))
                writer.close()

    await asyncio.gather(*(ask(address, port) for address in addresses for port in ports))
    return {said: sorted(where) for said, where in found.items()}


if __name__ == "__main__":
    wanted = sys.argv[1].split(","), [int(port) for port in sys.argv[2].split(",")]
    print(json.dumps(asyncio.run(scanned(*wanted))))  # noqa: T201  it is what it is for
