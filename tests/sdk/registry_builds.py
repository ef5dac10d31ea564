"""Registries and images for tests, made through Microsoft's clients as solution/image/package.py makes them."""

import io
import tarfile
import time
import uuid
from collections.abc import Mapping
from typing import Any

from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
from azure.mgmt.containerregistrytasks.models import Argument, DockerBuildRequest, PlatformProperties
from azure.storage.blob import BlobClient

from tests.conftest import LOCATION, Sandbox

UNDER_WAY = ("Queued", "Started", "Running")
BUILD_SECONDS = 60

# Answers every GET with the variables that start with LESSON_; GET /die ends it with code 3.
SERVER = """
import http.server, json, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        seen = {name: value for name, value in os.environ.items() if name.startswith("LESSON_")}
        body = json.dumps({**seen, "LESSON_PID": str(os.getpid())}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("listening", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["LESSON_PORT"])), Handler).serve_forever()
"""
DOCKERFILE = """
FROM python:3.12-slim
ARG GREETING=none
ENV LESSON_PORT=8080 LESSON_GREETING=$GREETING
WORKDIR /app
COPY server.py .
EXPOSE 8080
ENTRYPOINT ["python"]
CMD ["server.py"]
"""


class Registry:
    """A registry of the test's own, with an admin user."""

    def __init__(self, sandbox: Sandbox, resource_group: str, admin: bool = True) -> None:
        arguments = sandbox.management_arguments()
        self.group = resource_group
        self.name = f"cr{uuid.uuid4().hex[:10]}"
        self.client = ContainerRegistryManagementClient(sandbox.credential, sandbox.subscription, **arguments)
        self.tasks = ContainerRegistryTasksMgmtClient(sandbox.credential, sandbox.subscription, **arguments)
        body: Any = {"location": LOCATION, "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": admin}}
        self.resource = self.client.registries.begin_create(resource_group, self.name, body).result()

    @property
    def server(self) -> str:
        return str(self.resource.login_server)

    def upload(self, archive: bytes) -> str:
        """Put a context where the registry says; returns its relative path."""
        place = self.tasks.registries.get_build_source_upload_url(self.group, self.name)
        with BlobClient.from_blob_url(str(place.upload_url)) as blob:
            blob.upload_blob(archive, overwrite=True)
        return str(place.relative_path)

    def schedule(self, archive: bytes, *names: str, dockerfile: str = "Dockerfile", **options: Any) -> Any:
        request = DockerBuildRequest(
            source_location=self.upload(archive),
            docker_file_path=dockerfile,
            image_names=list(names),
            platform=PlatformProperties(os="Linux", architecture="amd64"),
            **{"is_push_enabled": True, **options},
        )
        return self.tasks.registries.schedule_run(self.group, self.name, request)

    def wait(self, run: str) -> Any:
        """The run once it has ended."""
        deadline = time.monotonic() + BUILD_SECONDS
        while time.monotonic() < deadline:
            seen = self.tasks.runs.get(self.group, self.name, run)
            if seen.status not in UNDER_WAY:
                return seen
            time.sleep(0.05)
        raise AssertionError(f"build {run} has not ended within {BUILD_SECONDS} seconds")

    def log(self, run: str) -> tuple[str, dict[str, str]]:
        """The text and the metadata of a run's log."""
        with BlobClient.from_blob_url(self.tasks.runs.get_log_sas_url(self.group, self.name, run).log_link) as blob:
            return blob.download_blob().readall().decode(), dict(blob.get_blob_properties().metadata)

    def build(self, name: str, greeting: str = "hello", files: Mapping[str, str] | None = None) -> str:
        """Build the test server's image; returns its digest."""
        arguments = [Argument(name="GREETING", value=greeting, is_secret=False)]
        run = self.wait(self.schedule(pack(files or server_files()), name, arguments=arguments).run_id)
        assert run.status == "Succeeded", self.log(run.run_id)[0]
        return str(run.output_images[0].digest)


def server_files() -> dict[str, str]:
    return {"Dockerfile": DOCKERFILE, "server.py": SERVER}


def pack(files: Mapping[str, str]) -> bytes:
    """A tar.gz of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
