# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Asks everything that the control socket knows, and holds each line against docs/control.schema.json."""

import json
import socket
import sys
import time
from pathlib import Path

import jsonschema

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/control.schema.json").read_text())
CHECK = jsonschema.Draft202012Validator(SCHEMA)
REQUESTS = jsonschema.Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": "#/$defs/request"}]})
REPLIES = jsonschema.Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": "#/$defs/reply"}]})


def explain(validator: jsonschema.Draft202012Validator, line: dict) -> None:
    """Of a list of kinds, the complaint about the one that was meant."""
    error = jsonschema.exceptions.best_match(validator.iter_errors(line))
    if error is not None:
        sys.exit(f"FAILED: {json.dumps(line)[:300]}\n{error.message[:600]} at {list(error.absolute_path)}")


class Connection:
    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, request: dict) -> dict:
        explain(REQUESTS, request)
        return self.send(json.dumps(request).encode())

    def send(self, line: bytes) -> dict:
        self.socket.sendall(line + b"\n")
        reply = json.loads(self.file.readline())
        explain(REPLIES, reply)
        return reply


def balanced(work: dict) -> bool:
    frames = work["frames"]
    return frames["received"] == sum(
        frames[name] for name in ("rendered", "dropped", "failed", "waiting", "rendering")
    )


def main() -> None:
    path = sys.argv[1]
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    connection = Connection(path)
    end = time.monotonic() + 120
    while len(connection.ask({"request": "sessions"})["sessions"]) < 3:
        assert time.monotonic() < end, "three sessions do not open"
        time.sleep(0.1)

    print("Every answer is as the schema says")
    for name in ("health", "stats", "sessions", "models"):
        reply = connection.ask({"request": name, "id": name})
        assert name in reply and reply["id"] == name, reply
    assert connection.ask({"request": "health", "id": 17})["id"] == 17
    assert "id" not in connection.ask({"request": "health"})

    print("Numbers add up at any moment under load")
    last = 0
    for _ in range(30):
        stats = connection.ask({"request": "stats"})["stats"]
        total = stats["total"]
        for work in [total, *(part["work"] for part in stats["models"] + stats["sessions"])]:
            assert balanced(work), work
        for part in ("models", "sessions"):
            assert sum(each["work"]["frames"]["rendered"] for each in stats[part]) == total["frames"]["rendered"]
        assert total["latency"]["count"] == total["frames"]["rendered"]
        assert total["frames"]["rendered"] >= last
        last = total["frames"]["rendered"]
    assert last > 0

    print("Pages of sessions are all of them, each once")
    found, after = [], 0
    while True:
        reply = connection.ask({"request": "sessions", "after": after, "limit": 2})
        assert len(reply["sessions"]) <= 2
        found += [session["id"] for session in reply["sessions"]]
        if "next" not in reply:
            break
        after = reply["next"]
    assert found == sorted(set(found)) and len(found) == 3, found

    print("Errors are answers")
    for line, code in [
        (b"{", "not_json"), (b'{"request":17}', "not_json"), (b'{"request":"reboot"}', "unknown_request"),
        (b'{"request":"kick"}', "not_json"), (b'{"request":"watch","session":99999,"fps":1}', "no_session"),
        (b'{"request":"health","id":[]}', "not_json"),
        (b'{"request":"sessions","limit":0}', "not_json"),
        (b'{"request":"set-log-level","level":"loud"}', "not_json"),
        (b'{"request":"kick","session":99999}', "refused"),
        (b"x" * 70_000, "line_too_long"),
    ]:
        reply = Connection(path).send(line)
        assert reply["error"]["code"] == code, (line[:40], reply)

    print("Orders are carried out")
    assert connection.ask({"request": "set-log-level", "level": "debug", "id": 1})["done"]["texts"]
    assert connection.ask({"request": "reload"})["done"]["texts"]
    victim = found[0]
    assert connection.ask({"request": "kick", "session": victim})["done"]["texts"]
    end = time.monotonic() + 60
    while victim in [session["id"] for session in connection.ask({"request": "sessions"})["sessions"]]:
        assert time.monotonic() < end, "the session stays"
        time.sleep(0.1)
    watching = Connection(path).ask({"request": "watch", "session": found[1], "fps": 1, "planes": True})
    assert watching["watching"]["session"] == found[1]
    assert connection.ask({"request": "drain"})["done"]["texts"]


if __name__ == "__main__":
    main()
