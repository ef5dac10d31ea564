"""Fixtures for Azure DevOps: one organisation a session, a fresh project for a test that asks."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import Sandbox
from tests.sdk.devops import Organization, create_token
from tests.sdk.runs import Pipelines


@pytest.fixture(scope="session")
def devops(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Organization:
    """The sandbox's first organisation with a PAT of full scope; the client's disk cache is this session's own."""
    os.environ["AZURE_DEVOPS_CACHE_DIR"] = str(tmp_path_factory.mktemp("azure-devops-cache"))
    return Organization(sandbox, create_token(sandbox))


@pytest.fixture
def switches(devops: Organization) -> Iterator[Organization]:
    """The organisation, to be failed by switches; they are reset afterwards."""
    yield devops
    devops.reset_switches()


@pytest.fixture
def project(devops: Organization) -> str:
    """The name of a fresh Agile project, with its empty repository of the same name."""
    name = f"Project-{uuid.uuid4().hex[:8]}"
    devops.create_project(name)
    return name


@pytest.fixture
def pipelines(devops: Organization, project: str) -> Pipelines:
    """The pipelines of a fresh project, of which there are none yet."""
    return Pipelines(devops, project)
