"""The table of API locations: what discovery answers and what the routes are compiled from (azure-devops.md, 2.4).

Clients ask `OPTIONS .../_apis` for this table and build every address from it, so that one table drives both
sides and they cannot drift apart. A row is published once an action is mounted on it.
"""

from dataclasses import dataclass
from typing import Any

MAXIMUM = "7.2"
PREVIEW_ONLY = "0.0"
ORGANIZATION = "/{organization}/"
PROJECT_OPTIONAL = ("git", "wit")  # clients leave the project out where a GUID or number says enough


@dataclass(frozen=True, slots=True)
class Location:
    """One row. Versions are text on the wire; `released` 0.0 means that every call needs `-preview`."""

    area: str
    resource: str
    id: str
    template: str
    resource_version: int
    minimum: str
    released: str

    def wire(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "area": self.area,
            "resourceName": self.resource,
            "routeTemplate": self.template,
            "resourceVersion": self.resource_version,
            "minVersion": self.minimum,
            "maxVersion": MAXIMUM,
            "releasedVersion": self.released,
        }


_ROWS = """
Location ConnectionData 00d9565f-ed9c-4a06-9a50-00e7896ccab4 _apis/{resource} 1 1.0 0.0
Location ResourceAreas e81700f7-3be2-46de-8624-2eb35882fcaa _apis/{resource}/{areaId} 1 3.2 0.0
core projects 603fe2ac-9723-48b9-88ad-09305aa6c6e1 _apis/{resource}/{*projectId} 4 1.0 7.1
core processes 93878975-88c5-4e6a-8abb-7ddd77a8a7d8 _apis/process/{resource}/{*processId} 1 1.0 7.1
core properties 4976a71a-4487-49aa-8aab-a1eda469037a _apis/projects/{projectId}/{resource} 1 3.2 0.0
core teams d30a3dd1-f8ba-442a-b86a-bd0c0c383e59 _apis/projects/{projectId}/{resource}/{*teamId} 3 1.0 7.1
operations operations 9a1b74b4-2ca8-4a9f-8470-c2f2e6fdc949 _apis/{resource}/{operationId} 1 2.0 7.1
git repositories 225f7195-f9c7-4d14-ab28-a83f7ff77e1f @area/{resource}/{repositoryId} 1 1.0 7.1
git importRequests 01828ddc-3600-4a41-8633-99b3a73a0eb3 @repository/importRequests/{importRequestId} 1 3.0 7.1
git refs 2d874a60-a811-4f62-9c9f-963a6ea0a55b @repository/{resource}/{*filter} 2 1.0 7.1
git pushes ea98d07b-3c87-4971-8ede-a613694ffb55 @repository/{resource}/{pushId} 3 1.0 7.1
git commits c2570c3b-5b3f-41b8-98bf-5407bfde8d58 @repository/{resource}/{commitId} 2 1.0 7.1
git changes 5bf884f5-3e07-42e9-afb8-1b872267bf16 @repository/commits/{commitId}/{resource} 1 1.0 7.1
git diffs 615588d5-c0c7-4b88-88f8-e625306446e8 @repository/{resource}/commits 1 1.0 7.1
git items fb93c0db-47ed-4a31-8c20-47552878fb44 @repository/{resource}/{*path} 1 1.0 7.1
git branchStats d5b216de-d8d5-4d32-ae76-51df755b16d3 @repository/stats/branches 2 1.0 7.1
git blobs 7b28e929-2c99-405d-9c5c-6167a06e6816 @repository/{resource}/{sha1} 1 1.0 7.1
git trees 729f6437-6f92-44ec-8bee-273a7111063c @repository/{resource}/{sha1} 1 1.0 7.1
git pullRequests 9946fd70-0d40-406e-b686-b4744cbbcc37 @repository/{resource}/{pullRequestId} 1 1.0 7.1
git pullRequestsByProject a5d28130-9cd2-40fa-9f08-902e7daa9efb @area/pullRequests 1 1.0 7.1
git pullRequestsById 01a46dea-7d46-4d40-bc84-319e7c260d99 @area/pullRequests/{pullRequestId} 1 3.0 7.1
git pullRequestReviewers 4b6702c7-aa35-4b89-9c96-b9abf6d3e540 @pull/reviewers/{reviewerId} 1 1.0 7.1
git pullRequestCommits 52823034-34a8-4576-922c-8d8b77e9e4c4 @pull/commits 1 1.0 7.1
git pullRequestWorkItems 0a637fcc-5370-4ce8-b0e8-98091f5f9482 @pull/workitems 1 1.0 7.1
git pullRequestThreads ab6e2e5d-a0b7-4153-b64a-a4efe0d49449 @pull/threads/{threadId} 1 3.0 7.1
git pullRequestThreadComments 965a3ec7-5ed8-455a-bdcb-835a5ea7fe7b \
@pull/threads/{threadId}/comments/{commentId} 1 3.0 7.1
git gitPolicyConfigurations 2c420070-a0a2-49cc-9639-c9f271c5ff07 {project}/_apis/{area}/policy/configurations 1 5.0 7.1
policy configurations dad91cbe-d183-45f8-9c6e-9c1164472121 @area/{resource}/{configurationId} 1 2.0 7.1
policy types 44096322-2d3d-466a-bb30-d1b7de69f61f @area/{resource}/{typeId} 1 2.0 7.1
policy evaluations 46aecb7a-5d2c-4647-897b-0209505a9fe4 @area/evaluations/{evaluationId} 1 2.0 0.0
policy evaluationsOfArtifact c23ddff5-229c-4d04-a80b-0fdce9f360c8 @area/evaluations 1 2.0 0.0
serviceendpoint endpoints e85f1c62-adfc-4b74-b618-11a150fb195e @area/{resource}/{endpointId} 4 4.1 7.1
serviceendpoint sharedendpoints 14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0 _apis/{area}/{resource}/{endpointId} 4 5.2 7.1
serviceendpoint types 5a7938a4-655e-486c-b562-b78c54a7e87b _apis/{area}/{resource} 1 4.1 7.1
pipelinePermissions pipelinePermissions b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2 \
@pipelines/{resource}/{resourceType}/{resourceId} 1 5.1 0.0
distributedtask environments 8572b1fc-2482-47fa-8f74-7e3ed53ee54b @area/{resource}/{environmentId} 1 5.0 7.1
environments environments d86b72de-d240-4d6f-8d06-08c2d66b015d @pipelines/{resource}/{environmentId} 1 5.2 7.1
distributedtask variablegroups f5b09dd5-9d54-45a1-8b5a-1c8287d634cc @area/{resource}/{groupId} 2 3.1 7.1
distributedtask sharedvariablegroups ef5b7057-ffc3-4c77-bbad-c10b4a4abcc7 _apis/{area}/{resource}/{groupId} 2 5.2 7.1
distributedtask queues 900fa995-c559-4923-aae7-f8424fe4fbea @area/{resource}/{queueId} 1 2.0 7.1
distributedtask pools a8c47e17-4d56-4a56-92bb-de7ea7dc65be _apis/{area}/{resource}/{poolId} 1 1.0 7.1
distributedtask agents e298ef32-5878-4cab-993c-043836571f42 _apis/{area}/pools/{poolId}/{resource}/{agentId} 1 1.0 7.1
distributedtask resourceusage eae1d376-a8b1-4475-9041-1dfdbe8f0143 _apis/{area}/{resource} 2 4.1 0.0
Pipelines pipelines 28e1305e-2afe-47bf-abaf-cbb0e6a91988 @area/{pipelineId} 1 5.1 7.1
Pipelines runs 7859261e-d2e9-4a68-b820-a5d84cc5bb3d @area/{pipelineId}/{resource}/{runId} 2 5.1 7.1
pipelines preview 53df2d18-29ea-46a9-bee0-933540f80abf @area/{pipelineId}/{resource} 2 5.1 7.1
Pipelines logs fb1b6d27-3957-43d5-a14b-a2d70403e545 @area/{pipelineId}/runs/{runId}/{resource}/{logId} 1 5.1 7.1
Pipelines artifacts 85023071-bd5e-4438-89b0-2a5bf362a19d @area/{pipelineId}/runs/{runId}/{resource} 1 5.2 7.1
Build Builds 0cd358e1-9217-4d94-8269-1c1ee6f93dcf @build/{resource}/{buildId} 7 1.0 7.1
Build Definitions dbeaf647-6167-421a-bda9-c9327b25e2e6 @build/{resource}/{definitionId} 7 1.0 7.1
build Timeline 8baac422-4c6e-4de5-8532-db96d92acffa @builds/{resource}/{timelineId} 3 2.0 7.1
build logs 35a80daf-7f30-45fc-86e8-6b813d9c90df @builds/{resource}/{logId} 2 2.0 7.1
build artifacts 1db06c96-014e-44e1-ac91-90b2d4b3e984 @builds/{resource}/{artifactName} 5 2.0 7.1
build tags 6e6114b2-8161-44c8-8f6c-c5505782427f @builds/{resource}/{*tag} 3 2.0 7.1
build stages b8aac6c9-744b-46e1-88fc-3550969f9313 @builds/{resource}/{stageRefName} 5 5.2 7.1
build changes 54572c7b-bbd3-45d4-80dc-28be08941620 @builds/{resource} 2 2.0 7.1
build leases 272051e4-9af1-45b5-ae22-8d960a5539d4 @build/retention/{resource}/{leaseId} 2 6.0 7.1
build generalSettings c4aefd19-30ff-405b-80ad-aca021e7242a @area/{resource} 1 6.0 7.1
build attachments f2192269-89fa-4f94-baf6-8fb128c55159 @builds/{resource}/{type} 2 2.0 7.1
build attachment af5122d3-3438-485e-a25a-2dbbfde84ee6 \
@builds/{timelineId}/{recordId}/attachments/{type}/{name} 2 2.0 7.1
build authorizedresources 398c85bc-81aa-4822-947c-a194a05f0fef @area/{resource} 1 5.0 0.0
build resources ea623316-1967-45eb-89ab-e9e6110cf2d6 @area/definitions/{definitionId}/{resource} 1 5.0 0.0
distributedtask environmentdeploymentRecords 51bb5d21-4305-4ea6-9dbb-b7488af73334 \
@area/environments/{environmentId}/{resource} 1 5.0 7.1
environments environmentdeploymentrecords 0d9bba8c-e474-49a0-979a-e3b990b4bf76 \
@pipelines/environments/{environmentId}/{resource} 1 5.2 7.1
PipelinesChecks configurations 86c8381e-5aee-4cde-8ae4-25c0c7f5eaea @pipelines/checks/{resource}/{id} 1 5.1 0.0
PipelinesChecks queryconfigurations 5f3d0e64-f943-4584-8811-77eb495e831e @pipelines/checks/{resource} 1 5.2 0.0
PipelinesChecks runs 91282c1d-c183-444f-9554-1485bfb3879d @pipelines/checks/{resource}/{checkSuiteId} 1 5.1 0.0
approval approvals 37794717-f36f-4d78-b2bf-4dc30d0cfbcd @pipelines/{resource}/{approvalId} 2 5.1 7.1
Test Runs cadb3810-d47d-4a3c-a234-fe5f3be50138 @test/{resource}/{runId} 3 1.0 7.1
Test Results 4637d869-3a76-4468-8057-0bb02aa385cf @test/Runs/{runId}/{resource}/{testCaseResultId} 6 1.0 7.1
Test statistics 0a42c424-d764-4a16-a2d5-5c85f87d0ae8 @test/{resource}/{runId}/Statistics 3 1.0 7.1
Test ResultSummaryByBuild 000ef77b-fea2-498d-a10d-ad1a037f559f @test/{resource} 3 3.0 0.0
Test codeCoverage 77560e8a-4e8c-4d59-894e-a5f264c24444 @test/{resource} 1 1.0 0.0
wit workItems 72c7ddf8-2cdc-4f60-90cd-ab71c14a399b @area/{resource}/{id} 3 1.0 7.1
wit newWorkItems 62d3d110-0047-428c-ad3c-4fe872c91c74 @area/workItems/${type} 3 1.0 7.1
wit wiql 1a9c53f7-f243-4447-b110-35ef023636e4 {project}/{team}/_apis/{area}/{resource} 2 1.0 7.1
wit workItemsBatch 908509b6-4248-4475-a1cd-829139ba419f @area/{resource} 1 4.1 7.1
wit workItemTypes 7c8d7a76-4a09-43e8-b5df-bd792f4ac6aa @area/{resource}/{type} 2 1.0 7.1
"""
# Two rows share a resource's name on the wire; the names that tell them apart here are not published.
_PUBLISHED = {
    "sharedendpoints": "endpoints",
    "sharedvariablegroups": "variablegroups",
    "newWorkItems": "workItems",
    "attachment": "attachments",
    "statistics": "Runs",
    "pullRequestsByProject": "pullRequests",
    "pullRequestsById": "pullRequests",
    "evaluationsOfArtifact": "evaluations",
}


_SHORT = {
    "@pull": "@repository/pullRequests/{pullRequestId}",
    "@repository": "{project}/_apis/{area}/repositories/{repositoryId}",
    "@pipelines": "{project}/_apis/pipelines",
    "@builds": "{project}/_apis/{area}/builds/{buildId}",
    "@build": "{project}/_apis/build",
    "@test": "{project}/_apis/test",
    "@area": "{project}/_apis/{area}",
}


def _location(line: str) -> Location:
    for short, long in _SHORT.items():
        line = line.replace(short, long)
    area, resource, guid, template, version, minimum, released = line.split(" ")
    return Location(area, _PUBLISHED.get(resource, resource), guid, template, int(version), minimum, released)


def _named(line: str) -> tuple[str, str]:
    area, resource = line.split(" ")[:2]
    return area, resource


_BY_NAME = {_named(line): _location(line) for line in _ROWS.strip().splitlines()}


def location(area: str, resource: str) -> Location:
    """The row of an area and resource. Raises KeyError for one that is not in the table."""
    return _BY_NAME[area, resource]


def templates(row: Location, one: bool) -> tuple[str, ...]:
    """The router's templates of a row: with its trailing values where `one` is asked for, without them otherwise.

    A leading project may be left out in the areas whose ids say enough by themselves.
    """
    segments = [_segment(row, text) for text in row.template.split("/")]
    while not one and segments[-1].startswith("{"):
        segments.pop()
    found = [segments]
    while found[-1][0] in ("{project}", "{team}") and row.area in PROJECT_OPTIONAL:
        found.append(found[-1][1:])
    return tuple(ORGANIZATION + "/".join(one_of) for one_of in found)


def _segment(row: Location, text: str) -> str:
    fixed = {"{area}": row.area, "{resource}": row.resource}
    if text in fixed:
        return fixed[text]
    if text.startswith("{*"):
        return "{" + text[2:-1] + "+}"
    return text.removeprefix("$")


AREAS = {
    "core": "79134c72-4a58-4b42-976c-04e7115f32bf",
    "git": "4e080c62-fa21-4fbc-8fef-2a10a2b38049",
    "Build": "965220d5-5bb9-42cf-8d67-9b146df2a5a4",
    "distributedtask": "a85b8835-c1a1-4aac-ae97-1c3d0ba72dbd",
    "serviceendpoint": "1814ab31-2f4f-4a9f-8761-f4d77dc5a5d7",
    "pipelinePermissions": "a81a0441-de52-4000-aa15-ff0e07bfbbaa",
    "PipelinesChecks": "4a933897-0488-45af-bd82-6fd3ad33f46a",
    "Test": "c2aa639c-3ccc-4740-b3b6-ce2a1e1d984e",
    "testresults": "c83eaf52-edf3-4034-ae11-17d38f25404c",
    "policy": "fb13a388-40dd-4a04-b530-013a739c72ef",
    "wit": "5264459e-e5e0-4bd8-b118-0985e68a4ec5",
    "Account": "0d55247a-1c47-4462-9b1f-5e2125590ee6",
    "IMS": "8a3d49b8-91f0-46ef-b33d-dda338c25db3",
    "Graph": "bb1e7ec9-e901-4b68-999a-de7012b920f8",
    "MemberEntitlementManagement": "68ddce18-2501-45f1-a17b-7931a9922690",
    "Profile": "8ccfef3d-2b87-4e99-8ccb-66e343d2daa8",
}
"""Resource areas by the cloud's names. A missing one sends the Python client to the public internet (2.3)."""
