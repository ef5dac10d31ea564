"""Data assets: the training data and the hold-out."""

from checker.checks.judgement import missing, quote
from checker.checks.registry import check
from checker.clients.machinelearning import datastore_path
from checker.context import CheckContext
from checker.model import Evidence, failed

REGISTER = "python solution/data/register_data.py"


@check("DAT001", "M6", ("WSP002",))
def training_data_has_a_version(context: CheckContext) -> Evidence:
    """The training data is a data asset with a version in a datastore.

    A model can only be traced to its data when the data has a version that does not change.
    """
    return _data_is_registered(context, context.names.data_asset)


@check("DAT002", "M6", ("WSP002",))
def holdout_has_a_version(context: CheckContext) -> Evidence:
    """The hold-out rows are a data asset with a version in a datastore.

    Two models can only be compared on the same rows, and those rows must never have been trained on.
    """
    return _data_is_registered(context, context.names.holdout_asset)


def _data_is_registered(context: CheckContext, name: str) -> Evidence:
    versions = context.data(name)
    if not versions:
        raise missing(
            "data asset",
            name,
            context.machine_learning.list_names("data"),
            "The data step uploads the file and registers it under this name.",
            "A version that was archived does not count.",
            "Run the data step; unchanged content makes no new version.",
            commands=(REGISTER,),
        )
    newest = versions[0]
    if datastore_path(newest.uri) is None:
        raise failed(
            f"{newest.reference} points at {quote(newest.uri) or 'nothing'}",
            "a path in a datastore of the workspace",
            "An address outside the workspace can change under the version.",
            "Register the file itself: it is then uploaded to the workspace's own storage.",
            commands=(REGISTER,),
        )
    return Evidence(f"{newest.reference} ({len(versions)} in all)", {"uri": newest.uri})
