"""`resources:`. Repositories, pipelines and containers are read; builds, packages and webhooks are kept by alias."""

from sandbox.pipelines.binding.reading import Fields
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.model import ContainerResource, PipelineResource, RepositoryResource, Resources
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode

OTHERS = {"builds": "build", "packages": "package", "webhooks": "webhook"}
REPOSITORY_IGNORED = ("trigger",)
PIPELINE_IGNORED = ("tags", "trigger")


def bind_resources(node: Node | None, problems: Problems) -> Resources:
    if node is None:
        return Resources()
    fields = Fields(node, problems)
    resources = Resources(
        repositories=fields.list("repositories", lambda item: _repository(item, problems)),
        pipelines=fields.list("pipelines", lambda item: _pipeline(item, problems)),
        containers=fields.list("containers", lambda item: _container(item, problems)),
        others={word: fields.list(key, lambda item: _alias(item)) for key, word in OTHERS.items() if fields.has(key)},
    )
    fields.finish(hint={"repository": "A repository is an item of `repositories:`."})
    return resources


def _repository(node: Node, problems: Problems) -> RepositoryResource:
    fields = Fields(node, problems)
    found = RepositoryResource(
        fields.text("repository"),
        fields.text("type") or "git",
        fields.text("name"),
        fields.text("ref"),
        fields.text("endpoint"),
        node.mark,
    )
    fields.finish(REPOSITORY_IGNORED)
    return found


def _pipeline(node: Node, problems: Problems) -> PipelineResource:
    fields = Fields(node, problems)
    found = PipelineResource(
        fields.text("pipeline"),
        fields.text("source"),
        fields.text("project"),
        fields.text("branch"),
        fields.text("version"),
        fields.has("trigger"),
        node.mark,
    )
    fields.finish(PIPELINE_IGNORED)
    return found


def _container(node: Node, problems: Problems) -> ContainerResource:
    fields = Fields(node, problems)
    pairs = node.pairs if isinstance(node, MappingNode) else ()
    facts = {key.text: value.text for key, value in pairs if isinstance(value, ScalarNode)}
    return ContainerResource(fields.text("container"), facts, node.mark)


def _alias(node: Node) -> str | None:
    if isinstance(node, MappingNode) and node.pairs and isinstance(node.pairs[0][1], ScalarNode):
        return node.pairs[0][1].text
    return None
