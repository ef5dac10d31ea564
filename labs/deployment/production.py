"""Runs in production what staging runs: the same image, by its digest, on Kubernetes behind an online endpoint.

    python labs/deployment/production.py [--key-file build/production.key]

Needs the release's staging, and refuses when the staging group in Azure does not run this release's digest now.
Writes the section `production` of the passport, and the endpoint's key to a file that only you can read.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop
from workshop import Workshop, existing

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import DataCollector, Environment, KubernetesOnlineDeployment

PORT = 5001
DEPLOYMENT = "blue"
LOG_LINES = 40


def require_staged(settings: Workshop, passport: dict[str, Any]) -> str:
    """Returns the digest. Raises StepError unless the staging group runs exactly the release's image."""
    from azure.mgmt.containerinstance import ContainerInstanceManagementClient

    names, digest = settings.names, release.need(passport, "image", "digest")
    groups = workshop.management_client(ContainerInstanceManagementClient, settings).container_groups
    group = existing(lambda: groups.get(names.resource_group, names.staging))
    seen = group.containers[0].image if group else "nothing"
    if release.need(passport, "staging", "digest") != digest or not seen.endswith(f"@{digest}"):
        raise workshop.StepError(
            f"Staging {names.staging} runs {seen}; this release is {digest}. Production takes only what was tried in "
            "staging: run labs/deployment/staging.py and its integration tests."
        )
    return digest


def image_environment(ml: "MLClient", settings: Workshop, reference: str, digest: str) -> "Environment":
    """Returns the environment that stands for the image; its version is the digest's start: one image, one version."""
    from azure.ai.ml.entities import Environment

    name, version = settings.names.image_environment, digest.removeprefix("sha256:")[:16]
    if found := existing(lambda: ml.environments.get(name=name, version=version)):
        return cast("Environment", found)
    routes = {
        "liveness_route": {"port": PORT, "path": "/"},
        "readiness_route": {"port": PORT, "path": "/"},
        "scoring_route": {"port": PORT, "path": "/score"},
    }
    wanted = Environment(name=name, version=version, image=reference, inference_config=routes, tags={"digest": digest})
    return cast("Environment", ml.environments.create_or_update(wanted))


def provision_endpoint(ml: "MLClient", settings: Workshop) -> None:
    """Makes the endpoint when it is not there. It checks the keys, so the image runs without one of its own."""
    from azure.ai.ml.entities import KubernetesOnlineEndpoint

    name = settings.names.production
    if existing(lambda: ml.online_endpoints.get(name)):
        print(f"endpoint {name} exists")
        return
    endpoint = KubernetesOnlineEndpoint(
        name=name, compute=settings.names.kubernetes_compute, auth_mode="key", tags=settings.tags
    )
    ml.online_endpoints.begin_create_or_update(endpoint).result()
    print(f"endpoint {name} created")


# --8<-- [start:m13-collector]
# TODO (module 13): a DataCollector with the collections model_inputs and model_outputs, enabled, filed by the hour.
def collector() -> "DataCollector | None":
    """Returns what the platform collects: nothing yet."""
    return None


# --8<-- [end:m13-collector]


def wanted_deployment(
    settings: Workshop, name: str, labels: dict[str, str], environment: "Environment"
) -> "KubernetesOnlineDeployment":
    """Returns the deployment. The model inside the image is the one that is served; `model` records which that is.

    `labels` are model, build, commit and digest: what a deployment says about itself.
    """
    from azure.ai.ml.entities import KubernetesOnlineDeployment, ResourceRequirementsSettings, ResourceSettings

    return KubernetesOnlineDeployment(
        name=name,
        endpoint_name=settings.names.production,
        model=f"azureml:{labels['model']}",
        environment=f"azureml:{environment.name}:{environment.version}",
        instance_count=1,
        resources=ResourceRequirementsSettings(
            requests=ResourceSettings(cpu="0.2", memory="512Mi"), limits=ResourceSettings(cpu="1", memory="1Gi")
        ),
        data_collector=collector(),
        tags=settings.tags | labels,
    )


def labels(passport: dict[str, Any]) -> dict[str, str]:
    """Returns what the release's deployment says about itself."""
    return {
        "model": f"{release.need(passport, 'model', 'name')}:{release.need(passport, 'model', 'version')}",
        "build": release.need(passport, "source", "build"),
        "commit": release.need(passport, "source", "commit"),
        "digest": release.need(passport, "image", "digest"),
    }


def deploy(ml: "MLClient", wanted: "KubernetesOnlineDeployment") -> None:
    """Creates or updates the deployment; leaves one alone that runs this release already. Raises what Azure says."""
    from azure.core.exceptions import HttpResponseError

    endpoint, name = str(wanted.endpoint_name), str(wanted.name)
    found = existing(lambda: ml.online_deployments.get(name=name, endpoint_name=endpoint))
    collects = bool(found and found.data_collector) == bool(wanted.data_collector)
    if found and found.tags == wanted.tags and collects and found.provisioning_state == "Succeeded":
        print(f"deployment {name} runs this release already")
        return
    try:
        ml.online_deployments.begin_create_or_update(wanted).result()
    except HttpResponseError:
        print(f"--- the last lines of {endpoint}/{name} ---", file=sys.stderr)
        log = existing(lambda: ml.online_deployments.get_logs(name=name, endpoint_name=endpoint, lines=LOG_LINES))
        print(log or "(no log)", file=sys.stderr)
        raise
    print(f"deployment {name} is ready")


def route_traffic(ml: "MLClient", name: str) -> str:
    """Sends all traffic to the deployment; returns the scoring address."""
    endpoint = ml.online_endpoints.get(name)
    if {key: share for key, share in (endpoint.traffic or {}).items() if share} != {DEPLOYMENT: 100}:
        endpoint.traffic = {DEPLOYMENT: 100}
        endpoint = ml.online_endpoints.begin_create_or_update(endpoint).result()
    return str(endpoint.scoring_uri)


def main() -> int:
    """Deploys and records production."""
    parser = release.parser(__doc__)
    parser.add_argument(
        "--key-file", type=Path, default=Path("build/production.key"), help="takes the key (%(default)s)"
    )
    options = parser.parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    digest = require_staged(settings, passport)
    ml, name = workshop.ml_client(settings), settings.names.production
    environment = image_environment(ml, settings, release.need(passport, "image", "reference"), digest)
    provision_endpoint(ml, settings)
    deploy(ml, wanted_deployment(settings, DEPLOYMENT, labels(passport), environment))
    url = route_traffic(ml, name)
    release.write_key(options.key_file, str(ml.online_endpoints.get_keys(name).primary_key))
    section = {"endpoint": name, "deployment": DEPLOYMENT, "url": url, "digest": digest}
    release.extend(options.release, "production", section)
    print(f"production: {url} (the key is in {options.key_file})")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
