"""A small model server for the worlds: the scoring wire of the workshop, in the standard library, up in no time.

FAULT makes it misbehave: `open` takes any request, `anykey` any key, `rounded` rounds, `raises` fails, `swallows` fails
and says 200, `named` says another model, `ends` does not start.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FAULT, KEY = os.environ.get("FAULT", ""), os.environ.get("SCORING_KEY", "")
MODEL = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))


def predict(row: list[float]) -> float:
    value = MODEL["intercept"] + sum(a * b for a, b in zip(MODEL["coefficients"], row, strict=True))
    return float(round(value)) if FAULT == "rounded" else float(value)


class Scoring(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200, "healthy")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.is_permitted():
            return self.answer(401, {"error": "key"})
        if FAULT == "raises":
            return self.answer(500, "the model raised")
        if FAULT == "swallows":
            return self.answer(200, {"error": "Expected 2D array, got 1D array instead"})
        name = "another:9" if FAULT == "named" else os.environ["MODEL"]
        return self.answer(200, {"predictions": [predict(row) for row in json.loads(body)["data"]], "model": name})

    def is_permitted(self) -> bool:
        given = self.headers.get("Authorization", "")
        return not KEY or FAULT == "open" or given == f"Bearer {KEY}" or (FAULT == "anykey" and bool(given))

    def answer(self, status: int, document: Any) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    if FAULT == "ends":
        raise SystemExit("No module named 'sklearn'")
    ThreadingHTTPServer(("0.0.0.0", 5001), Scoring).serve_forever()
