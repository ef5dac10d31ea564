"""`trigger:`, `pr:` and `schedules:`."""

from sandbox.pipelines.binding.reading import Fields, is_broken, read_texts
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.model import Filter, PullRequestTrigger, Schedule, Trigger
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode


def bind_trigger(node: Node | None, problems: Problems) -> Trigger:
    """`none`, a list of branches, or the full form."""
    if node is None or is_broken(node):
        return Trigger()
    if isinstance(node, ScalarNode) and node.text == "none":
        return Trigger(enabled=False, written=True, mark=node.mark)
    if not isinstance(node, MappingNode):
        return Trigger(written=True, branches=Filter(_branches(node, problems)), mark=node.mark)
    fields = Fields(node, problems)
    trigger = Trigger(
        written=True,
        batch=fields.flag("batch", False),
        branches=_filter(fields.node("branches"), problems),
        paths=_filter(fields.node("paths"), problems),
        tags=_filter(fields.node("tags"), problems),
        mark=node.mark,
    )
    fields.finish(hint={"include": "`include:` stands below `branches:`, `paths:` or `tags:`."})
    return trigger


def bind_pull_request_trigger(node: Node | None, problems: Problems) -> PullRequestTrigger:
    if node is None or is_broken(node):
        return PullRequestTrigger()
    if isinstance(node, ScalarNode) and node.text == "none":
        return PullRequestTrigger(enabled=False, written=True, mark=node.mark)
    if not isinstance(node, MappingNode):
        return PullRequestTrigger(written=True, branches=Filter(_branches(node, problems)), mark=node.mark)
    fields = Fields(node, problems)
    trigger = PullRequestTrigger(
        written=True,
        auto_cancel=fields.flag("autoCancel", True),
        drafts=fields.flag("drafts", True),
        branches=_filter(fields.node("branches"), problems),
        paths=_filter(fields.node("paths"), problems),
        mark=node.mark,
    )
    fields.finish()
    return trigger


def bind_schedule(node: Node, problems: Problems) -> Schedule | None:
    fields = Fields(node, problems)
    schedule = Schedule(
        cron=fields.text("cron"),
        display_name=fields.text("displayName"),
        branches=_filter(fields.node("branches"), problems),
        always=fields.flag("always", False),
        batch=fields.flag("batch", False),
        mark=node.mark,
    )
    fields.finish()
    return schedule if schedule.cron else None


def _branches(node: Node, problems: Problems) -> tuple[str, ...]:
    if isinstance(node, SequenceNode):
        return read_texts(node, problems)
    if isinstance(node, ScalarNode) and node.text:
        help = "Write `none`, or a list: a dash and one branch per line."
        problems.add(f"Unexpected value '{node.text}'", node.mark, help)
    return ()


def _filter(node: Node | None, problems: Problems) -> Filter:
    if node is None:
        return Filter()
    if not isinstance(node, MappingNode):
        return Filter(read_texts(node, problems))
    fields = Fields(node, problems)
    found = Filter(fields.names("include") or (), fields.names("exclude") or ())
    fields.finish()
    return found
