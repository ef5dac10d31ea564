"""The service's answers, good and bad, become data or a message with the next thing to do."""

import base64

import pytest

from journey.errors import JourneyError, NotFound
from journey.organization import Organization
from tests.journey.service import Answer, Request, Service, collection


@pytest.fixture
def organization(service: Service) -> Organization:
    return Organization(service.url + "/", "token-of-ada")


def test_a_call_carries_token_and_version(organization: Organization, service: Service) -> None:
    """Basic with an empty name, and the version in the query."""
    service.on("GET", "_apis/projects", collection({"name": "One"}))
    assert organization.list("_apis/projects", {"$top": 5}) == [{"name": "One"}]
    request = service.requests[0]
    assert request.query == {"api-version": "7.1", "$top": "5"}
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b":token-of-ada").decode()
    assert request.headers["X-TFS-FedAuthRedirect"] == "Suppress"


def test_pages_are_read_to_the_last(organization: Organization, service: Service) -> None:
    """The next page's token is a header; its absence is the end."""

    def page(request: Request) -> Answer:
        if "continuationToken" in request.query:
            return collection({"number": 2})
        return Answer({"count": 1, "value": [{"number": 1}]}, headers={"x-ms-continuationtoken": "17"})

    service.on("GET", "_apis/things", page)
    assert organization.list("_apis/things") == [{"number": 1}, {"number": 2}]
    assert service.requests[1].query["continuationToken"] == "17"


@pytest.mark.parametrize(
    "answer",
    [
        Answer("", 401),
        Answer("Access Denied: The Personal Access Token used has expired.", 401, {"Content-Type": "text/plain"}),
        Answer("<html>Sign In</html>", 203, {"Content-Type": "text/html"}),
        Answer("", 302, {"Location": "/_signin"}),
        Answer("<html>Sign In</html>", 200, {"Content-Type": "text/html"}),
    ],
    ids=["bare", "expired", "page", "redirect", "page with 200"],
)
def test_a_refused_token_is_said_in_every_form(organization: Organization, service: Service, answer: Answer) -> None:
    """203 with a page would be a success to requests."""
    service.on("GET", "_apis/projects", answer)
    with pytest.raises(JourneyError, match="the token is refused") as caught:
        organization.list("_apis/projects")
    assert "AZURE_DEVOPS_EXT_PAT" in caught.value.command
    assert ("expired" in str(caught.value)) == ("expired" in str(answer.body))


def test_what_is_not_there_is_none_or_an_error(organization: Organization, service: Service) -> None:
    """`find` asks, `get` needs."""
    service.on("GET", "_apis/projects/Nope", Answer({"message": "TF200016: does not exist: Nope."}, 404))
    assert organization.find("_apis/projects/Nope") is None
    with pytest.raises(NotFound, match="TF200016: does not exist: Nope"):
        organization.get("_apis/projects/Nope")


def test_the_services_words_are_passed_on(organization: Organization, service: Service) -> None:
    """A 403 is a right that is missing, anything else what the service says."""
    service.on("POST", "_apis/projects", Answer({"message": "TF200019: The project exists."}, 400))
    service.on("GET", "_apis/secret", Answer({"message": "TF400813: not authorised."}, 403))
    with pytest.raises(JourneyError, match="status 400: TF200019"):
        organization.post("_apis/projects", {"name": "x"})
    with pytest.raises(JourneyError, match="not permitted: TF400813"):
        organization.get("_apis/secret")


def test_a_busy_service_is_asked_again(organization: Organization, service: Service) -> None:
    """After the pause that it names; at last its words are passed on."""
    answers = [Answer({"message": "TF400733"}, 429, {"Retry-After": "0"})] * 2 + [collection({"name": "One"})]
    service.on("GET", "_apis/projects", lambda _: answers.pop(0))
    assert organization.list("_apis/projects") == [{"name": "One"}]
    service.on("GET", "_apis/busy", Answer({"message": "TF400733: blocked"}, 429, {"Retry-After": "0"}))
    with pytest.raises(JourneyError, match="status 429: TF400733: blocked"):
        organization.get("_apis/busy")


def test_nobody_there_is_said() -> None:
    """With the address that was tried."""
    with pytest.raises(JourneyError, match=r"http://127\.0\.0\.1:9/ada/_apis/projects: no answer"):
        Organization("http://127.0.0.1:9/ada", "token").get("_apis/projects")
