"""Scoring script of an MLflow model that is deployed without code; it runs in the model server, not in the sandbox.

The request is `{"input_data": ...}`, as Azure ML's own no-code deployments take it: a split table (`columns`, `data`
and optionally `index`), a list of rows or of records, or named tensors. `params` is handed to the model.
"""

# The runtime's packages are not installed where the types are checked.
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MODEL: dict[str, Any] = {}


def init() -> None:
    """Load the model that lies in AZUREML_MODEL_DIR."""
    import mlflow.pyfunc

    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(folder.rglob("MLmodel"), key=lambda path: len(path.parts))
    if not found:
        raise FileNotFoundError(f"There is no MLmodel file below {folder.name}.")
    MODEL["loaded"] = mlflow.pyfunc.load_model(str(found[0].parent))


def run(raw_data: str) -> Any:
    """Predict; a request that is not understood is answered with 400 and the reason."""
    from azureml_inference_server_http.api.aml_response import AMLResponse
    from mlflow.exceptions import MlflowException

    try:
        body = json.loads(raw_data)
        predictions = MODEL["loaded"].predict(model_input(body), params=body.get("params"))
    except (ValueError, KeyError, TypeError, MlflowException) as error:
        return AMLResponse({"error": f"The request was not understood: {error}"}, 400, json_str=True)
    return as_json(predictions)


def model_input(body: Any) -> Any:
    """The value of `input_data` as a data frame, an array or named arrays. Raises `ValueError` when it is missing."""
    import numpy

    if not isinstance(body, dict) or "input_data" not in body:
        raise ValueError('the top level has to be an object with the key "input_data"')
    data = body["input_data"]
    if isinstance(data, dict) and "data" not in data:
        return {name: numpy.asarray(values) for name, values in data.items()}
    if isinstance(data, list) and takes_tensors():
        return numpy.asarray(data)
    return table(data)


def table(data: Any) -> Any:
    """A split table, a list of records or a list of rows as a data frame with the types of the model's signature.

    JSON does not tell 2 from 2.0, so the types have to come from the signature.
    """
    from mlflow.utils.proto_json_utils import dataframe_from_parsed_json

    schema = MODEL["loaded"].metadata.get_input_schema()
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return dataframe_from_parsed_json(data, "records", schema)
    if isinstance(data, list):
        names = schema.input_names() if schema is not None and schema.has_input_names() else None
        return dataframe_from_parsed_json({"columns": names, "data": data}, "split", schema)
    return dataframe_from_parsed_json(data, "split", schema)


def takes_tensors() -> bool:
    """Whether the model's signature describes arrays rather than columns."""
    schema = MODEL["loaded"].metadata.get_input_schema()
    return schema is not None and bool(schema.is_tensor_spec())


def as_json(predictions: Any) -> Any:
    """Predictions as plain lists and records."""
    import pandas

    if isinstance(predictions, pandas.DataFrame):
        return predictions.to_dict(orient="records")
    return predictions.tolist() if hasattr(predictions, "tolist") else predictions
