"""Lines of Azure DevOps about the organisation, its projects, tokens, agents and limits."""

from checker.troubleshooting.model import Trouble

TROUBLES = (
    Trouble(
        "no-hosted-parallelism",
        "The organisation may run no hosted job",
        r"No hosted parallelism has been purchased or granted",
        "##[error]No hosted parallelism has been purchased or granted. To request a free parallelism grant, please fill"
        " out the following form https://aka.ms/azpipelines-parallelism-request",
        "M0",
        "A new organisation has no Microsoft-hosted parallel job for private projects until one is granted or bought.",
        "Ask for the free grant (it takes days), or link billing and set one paid job (minutes), or run your own"
        " agent and"
        " name its pool in the pipeline. The sandbox's lane needs none of them.",
        "ORG002",
    ),
    Trouble(
        "no-agent-online",
        "No agent takes the job",
        r"No agent (could be )?found in pool|All eligible agents are (disabled or )?offline",
        "##[warning]All eligible agents are disabled or offline",
        "M0",
        "The pool that the pipeline names has agents, and none of them is listening.",
        "Start the agent on its machine and leave it running, or name another pool.",
        "ORG002",
        ("./run.sh",),
    ),
    Trouble(
        "pool-not-authorized",
        "The pool is not there, or not permitted",
        r"Could not find a pool with (name|id)",
        "Could not find a pool with name Workshop. The pool does not exist or has not been authorized for use.",
        "M5",
        "The pipeline names an agent pool that the project does not have, or that this pipeline was not permitted to"
        " use.",
        "Compare the name letter by letter with Project settings, Agent pools; then open the run and press Permit.",
        "ORG002",
    ),
    Trouble(
        "project-does-not-exist",
        "The project does not exist",
        r"TF200016",
        "TF200016: The following project does not exist: AI DevCollege. Verify that the name of the project is correct"
        " and that the project exists on the specified Azure DevOps Server.",
        "M2",
        "The name is another one (AIDevCollege has no blank), it is in another organisation, or you may not see it.",
        "Compare it with the project's address in the browser: https://dev.azure.com/<organisation>/<project>.",
        "PRJ001",
    ),
    Trouble(
        "project-name-taken",
        "The organisation has a project of this name",
        r"TF200019",
        "TF200019: The following project already exists on the Azure DevOps Server: AIDevCollege.",
        "M2",
        "An earlier try has made it. A project that was deleted keeps its name for a while as well.",
        "Use the one that is there, or another name, and set project in [devops] of workshop.toml.",
        "PRJ001",
    ),
    Trouble(
        "repository-name-taken",
        "The project has a repository of this name",
        r"TF400948",
        "TF400948: A Git repository with the name AIDevCollege already exists.",
        "M3",
        "Every project begins with an empty repository that has the project's name.",
        "Import into that one instead of making a second.",
        "REP001",
    ),
    Trouble(
        "token-expired",
        "The personal access token has expired",
        r"The Personal Access Token used has expired|TF400813",
        "Access Denied: The Personal Access Token used has expired.",
        "M2",
        "Tokens end on the day that was chosen when they were made.",
        "Make a new one under User settings, Personal access tokens, and set the variable anew. Delete the old one.",
        "ORG001",
        ("export AZURE_DEVOPS_EXT_PAT=<token>",),
    ),
    Trouble(
        "token-not-understood",
        "A sign-in page came instead of an answer",
        r"Cannot deserialize content-type: text/html|non-authoritative information.*sign ?in|status code 203",
        "DeserializationError: Cannot deserialize content-type: text/html",
        "M2",
        "Azure DevOps answers a malformed or an empty token with its sign-in page and the status 203, not with 401.",
        "Look whether the variable is set in this shell, whole, without quotes or a line end in it.",
        "ORG001",
        ("export AZURE_DEVOPS_EXT_PAT=<token>",),
    ),
    Trouble(
        "organisation-throttled",
        "Azure DevOps slows you down",
        r"TF400733|blocked due to exceeding usage of resource",
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource"
        " 'Concurrency' in namespace 'User'.",
        "M2",
        "One identity asks for too much within five minutes; often a script that polls, or one token for a whole"
        " class.",
        "Wait as long as the header Retry-After says. Give each program a token of its own, and poll less often.",
    ),
    Trouble(
        "access-denied-devops",
        "You lack a permission in the project",
        r"TF401027|TF50309|needs? the following permission\(s\) (on|to)",
        "TF401027: You need the Git 'GenericContribute' permission to perform this action.",
        "M2",
        "Your account is in the project, and lacks the one permission that the message names.",
        "Ask whoever owns the project: Project settings, Permissions, or the security of the one resource.",
    ),
)
