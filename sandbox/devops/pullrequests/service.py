"""Everything about pull requests, built and wired to each other."""

from collections.abc import Sequence

from sandbox.devops.builds.validations import NUMBER, Validations
from sandbox.devops.context import Context, organization_id
from sandbox.devops.front import Action
from sandbox.devops.policies import Policies
from sandbox.devops.pullrequests.completion import Completion
from sandbox.devops.pullrequests.evaluations import Evaluations
from sandbox.devops.pullrequests.pullrequests import PullRequests
from sandbox.devops.pullrequests.records import PULL_REQUESTS, PullRequestRecords, is_active, number_of
from sandbox.devops.pullrequests.reviewers import Reviewers
from sandbox.devops.pullrequests.threads import Threads
from sandbox.devops.pushes import Pushes
from sandbox.devops.repositories import RefUpdate, Repositories, Repository, project_of
from sandbox.store import Document


class PullRequestService:
    """Pull requests, their reviewers, threads and policy evaluations. Hears of pushes and of runs that end."""

    def __init__(
        self,
        context: Context,
        repositories: Repositories,
        pushes: Pushes,
        policies: Policies,
        validations: Validations,
    ) -> None:
        self._store = context.store
        self._repositories = repositories
        self._records = PullRequestRecords(context, repositories)
        threads = Threads(context, self._records, self._settle)
        evaluations = Evaluations(context, policies, self._records, threads, validations)
        self._completion = Completion(context, repositories, pushes, policies, self._records, evaluations)
        self._sources = (
            PullRequests(context, repositories, self._records, self._completion),
            Reviewers(context, self._records, self._settle),
            threads,
            evaluations,
        )

    def actions(self) -> list[Action]:
        return [action for source in self._sources for action in source.actions()]

    def on_push(self, repository: Repository, updates: Sequence[RefUpdate]) -> None:
        """Try the merges again that a push concerns."""
        document = self._repositories.by_key(
            f"{organization_id(repository.organization)}/projects/{repository.project_id}/repositories/{repository.id}"
        )
        moved = {one.name for one in updates}
        for one in self._records.of_repository(document) if document else []:
            if is_active(one) and moved & {one.body["sourceRefName"], one.body["targetRefName"]}:
                self._settle(one)

    def on_validated(self, build: Document) -> None:
        """A run of a pull request is over: what waited for it may complete."""
        project, number = project_of(self._store, build), build.body["pullRequest"][NUMBER]
        for one in self._store.list(PULL_REQUESTS):
            if one.key.startswith(f"{project.key}/") and number_of(one) == number and is_active(one):
                self._settle(one)

    def recover(self) -> None:
        """Pull requests that a killed server was completing."""
        for one in self._store.list(PULL_REQUESTS):
            if one.body["completing"]:
                self._completion.settle_interrupted(one)

    def _settle(self, pull_request: Document) -> None:
        self._completion.complete_if_due(pull_request)
