"""Asks the learner's scoring script, under the real inference server, with a model that works and one that raises.

    python score_honestly.py SCORE_PY FOLDER

FOLDER is made. It holds the models, and afterwards cases.json: for each case its name, the status and the first part of
the answer. The server is the one of azureml-inference-server-http; it gets its requests without a
port, by its own test client.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

GOOD = {"data": [[0.0] * 10, [0.01] * 10]}
BAD = {
    "no JSON": b"{data: ",
    "another key": b'{"rows": [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "nine numbers": b'{"data": [[0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "a word": b'{"data": [["old", 0, 0, 0, 0, 0, 0, 0, 0, 0]]}',
    "raw values": b'{"data": [[59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.9, 87]]}',
}
ANSWER_SHOWN = 300


class Working:
    """A model that predicts one plausible number a row."""

    def predict(self, rows: Any) -> list[float]:
        return [152.0 + 100 * float(sum(row)) for row in rows]


class Raising:
    """A model that cannot predict."""

    def predict(self, rows: Any) -> list[float]:
        raise RuntimeError("seeded fault: the model cannot predict")


def client(script: Path, folder: Path, model: object) -> Any:
    """A client of a server that serves this model by this script."""
    joblib = importlib.import_module("joblib")
    (folder / "model" / "1").mkdir(parents=True)  # as the server expects it: name, then version
    joblib.dump(model, folder / "model" / "1" / "model.joblib")
    os.environ["AZUREML_MODEL_DIR"] = str(folder)
    # Imported after the variables are set: the server reads them when it is imported.
    return importlib.import_module("azureml_inference_server_http.server.create_app").create().test_client()


def ask(service: Any, name: str, body: bytes) -> dict[str, Any]:
    """One case: its name, the status, and the answer's beginning."""
    reply = service.post("/score", data=body, headers={"Content-Type": "application/json"})
    return {"name": name, "status": reply.status_code, "answer": reply.get_data(as_text=True)[:ANSWER_SHOWN]}


def main(script: Path, folder: Path) -> int:
    """Ask all cases and write down what came."""
    os.environ["AZUREML_ENTRY_SCRIPT"] = str(script)
    os.environ["AML_APP_ROOT"] = str(script.parent)
    os.environ["MODEL"] = "diabetes-model:7"
    good = json.dumps(GOOD).encode()
    service = client(script, folder / "working", Working())
    cases = [ask(service, "good", good), *(ask(service, name, body) for name, body in BAD.items())]
    cases.append(ask(client(script, folder / "raising", Raising()), "raising", good))
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
