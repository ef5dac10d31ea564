"""Code snapshots: where azure-ai-ml uploads the folder of a job or deployment (azure-machine-learning.md, b.6)."""

from sandbox.machinelearning.context import BLOB_STORE, WORKSPACE, Context, require_workspace
from sandbox.machinelearning.datastores import SAS_SECONDS, container_of
from sandbox.settings import STORAGE_SUFFIX
from sandbox.wire import Call, Operation, Reply


class Codes:
    """The one operation that code assets have beyond every asset's."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def operations(self) -> list[Operation]:
        template = WORKSPACE + "/codes/{name}/versions/{version}/startPendingUpload"
        return [Operation("codes_start_pending_upload", "POST", template, self.start_pending_upload)]

    def start_pending_upload(self, call: Call) -> Reply:
        """A container of its own for each snapshot, and a signature that opens it for writing."""
        workspace = require_workspace(self._context.store, call.params)
        account, _ = container_of(self._context.store, workspace.id, BLOB_STORE)
        container = f"code-{self._context.ids.guid()}"
        self._context.payloads.ensure_container(account, container)
        address = f"{call.base}/{account}.blob.{STORAGE_SUFFIX}/{container}"
        token = self._context.shared_access(account, container, "racwdl", SAS_SECONDS)
        reference = {
            "blobUri": address,
            "storageAccountArmId": workspace.body["properties"]["storageAccount"],
            "credential": {"credentialType": "SAS", "sasUri": f"{address}?{token}"},
        }
        return Reply.json(
            {
                "pendingUploadId": self._context.ids.guid(),
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": reference,
            }
        )
