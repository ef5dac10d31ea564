"""The checker, looked through in this process: what a proof sees of a world, without a second interpreter."""

from collections.abc import Mapping, Sequence

from checker.checks import CHECKS
from checker.clients.http import HttpClient
from checker.context import open_context
from checker.masking import Secrets
from checker.model import CheckResult
from checker.runner import run_checks, with_prerequisites
from checker.settings import read_settings
from journey.proving.looking import Seen, Statement
from journey.worlds import World

SEED = 11


class InProcess:
    """As `journey.proving.looking.Command`, without its process; its connections stay, as trust takes time to load."""

    def __init__(self) -> None:
        self._http = HttpClient(Secrets())

    @property
    def statements(self) -> Sequence[Statement]:
        return [Statement(one.code, one.module, one.service.value) for one in CHECKS.values()]

    def look(self, world: World, codes: Sequence[str]) -> Mapping[str, Seen]:
        settings = read_settings(world.file, {**world.ground.environment, **world.variables})
        context = open_context(settings, self._http, SEED)
        results = run_checks(with_prerequisites(codes, CHECKS), context)
        return {result.check.code: _seen(result) for result in results}


def _seen(result: CheckResult) -> Seen:
    finding = result.finding
    check, outcome = result.check, result.outcome.value
    if finding is None:
        return Seen(check.code, check.module, outcome)
    return Seen(check.code, check.module, outcome, finding.seen, finding.hints)
