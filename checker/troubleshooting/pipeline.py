"""Lines of Azure Pipelines: loading the file, permissions of a run, steps, gates."""

from checker.troubleshooting.model import Trouble

TROUBLES = (
    Trouble(
        "run-needs-permission",
        "The run waits for you",
        r"needs permission(s)? to access|This pipeline needs permission|before this run can continue",
        "This pipeline needs permission to access a resource before this run can continue",
        "M6",
        "The first run asks for the service connection and for each environment that its file names. It waits, for up"
        " to 30 days; waiting longer does not help.",
        "Open the run, press View in the yellow line, then Permit, for each resource.",
        "RUN001",
    ),
    Trouble(
        "service-connection-not-found",
        "The service connection is not there, or not permitted",
        r"references service connection .* which could not be found|service connection .* has not been authorized",
        "The pipeline is not valid. Job Train: Step input azureSubscription references service connection"
        " MyAzureSubscription which could not be found. The service connection does not exist, has been disabled or has"
        " not been authorized for use.",
        "M4",
        "Either no connection of the project has exactly this name, or this pipeline has not been permitted to use it.",
        "Compare the name letter by letter first: MyAzureSubscription, without blanks. If it is the same, open the"
        " connection, Security, and add the pipeline.",
        "CON001",
        ("checker check CON001 YML005",),
    ),
    Trouble(
        "environment-not-found",
        "The environment is not there",
        r"Environment .* could not be found|The environment does not exist or has not been authorized",
        "Job Deploy: Environment diabetes-staging could not be found. The environment does not exist or has not been"
        " authorized for use.",
        "M7",
        "The file names an environment that nobody has made, and whoever started the run may not create one.",
        "Make it under Pipelines, Environments, with the name of the file, then permit the pipeline.",
        "ENV001",
    ),
    Trouble(
        "waiting-for-approval",
        "The stage waits for an approval",
        r"waiting for (your |an? )?approval|pending approval|Approval timed out|approval.*(rejected|timed out)",
        "Stage Production is waiting for approval",
        "M8",
        "The environment has an approval check. That is the gate; the file cannot open it.",
        "Open the run, press Review, read what is to be released, then approve. After a time-out, run the stage again.",
        "ENV003",
    ),
    Trouble(
        "yaml-tabs",
        "A tab stands where YAML wants spaces",
        r"found character '?\\?t'? that cannot start any token|found character that cannot start any token"
        r"|tab characters? (must not|cannot|are not)",
        "(Line: 14, Col: 1, Idx: 310) - While scanning for the next token, found character that cannot start any"
        " token.",
        "M5",
        "The line that the message names is indented by a tab. YAML knows spaces only.",
        "Replace the tabs of that line by spaces, and let your editor insert spaces for .yml files.",
        "YML002",
        ("checker check YML002",),
    ),
    Trouble(
        "yaml-mapping-values",
        "YAML sees a key where none can be",
        r"mapping values are not allowed in this context|did not find expected key|could not find expected ':'",
        "(Line: 22, Col: 18, Idx: 544) - Mapping values are not allowed in this context.",
        "M5",
        "The line is indented otherwise than its neighbours, or a text with a colon and a blank stands without quotes.",
        "Compare the indentation with the line above, and put texts with a colon between single quotes.",
        "YML002",
        ("checker check YML002",),
    ),
    Trouble(
        "yaml-unexpected-value",
        "A key is not known at this place",
        r"Unexpected value '|Unexpected (property|key) '|A mapping was not expected|A sequence was not expected",
        "/azure-pipelines.yml (Line: 31, Col: 5): Unexpected value 'task'",
        "M5",
        "A word of steps stands among jobs, or one of jobs among stages: nearly always an indentation that is two"
        " spaces"
        " too short.",
        "Move the block below the list it belongs to: steps inside a job, jobs inside a stage.",
        "YML002",
        ("sandbox pipeline validate azure-pipelines.yml",),
    ),
    Trouble(
        "stage-depends-on-unknown",
        "A stage waits for one that does not exist",
        r"depends on unknown (stage|job)|must contain at least one (stage|job) with no dependencies",
        "Stage Staging depends on unknown stage Buid.",
        "M5",
        "The name behind dependsOn is misspelt, is a display name, or the stages wait for each other in a circle.",
        "dependsOn takes the name behind `stage:`, not the displayName.",
        "YML003",
    ),
    Trouble(
        "task-missing",
        "A task is not known",
        r"A task is missing\. The pipeline references a task called|task .* version .* (is not|does not) exist",
        "A task is missing. The pipeline references a task called 'UsePythonVersoin'.",
        "M5",
        "The task's name or its version is misspelt, or it comes with an extension that the organisation has not"
        " installed.",
        "Compare name and number behind the @ with the task's page of the documentation.",
        "YML004",
    ),
    Trouble(
        "yaml-file-not-found",
        "The pipeline's file is not where the pipeline looks",
        r"File /?\S+\.ya?ml not found in repository|Could not get the latest source version for repository",
        "File /azure-pipelines.yml not found in repository https://dev.azure.com/ada/AIDevCollege/_git/AIDevCollege"
        " branch refs/heads/main version 1f3870be274f6c49b3e31a0c6728957f1f3870be.",
        "M6",
        "The pipeline points at another path or branch than the one your file is on.",
        "Look at the path under Edit, Triggers, YAML, and at the branch; then at what is pushed.",
        "PIP001",
        ("git ls-files '*.yml'",),
    ),
    Trouble(
        "variable-placeholder",
        "A placeholder was left in",
        r"<(yourname|sfx|suffix|your-suffix)>[-\w]*",
        "ERROR: (InvalidParameter) The provided resource group name '<yourname>-aidevcollege' is not valid.",
        "M5",
        "Angle brackets mark what you replace, brackets included. Azure takes none in a name.",
        "Put your suffix there, as in workshop.toml.",
        "YML001",
    ),
    Trouble(
        "variable-not-replaced",
        "A variable of the pipeline has no value",
        r"\$\([A-Za-z_][\w.]*\): command not found",
        "bash: line 1: $(azureml.resourceGroup): command not found",
        "M5",
        "The agent replaces $(name) before the shell sees it. What has no value stays, and the shell tries to run it.",
        "Define the variable in the file or in its group, or correct its spelling.",
        "YML001",
    ),
    Trouble(
        "python-version-not-found",
        "The agent has no such Python",
        r"Version spec .* for architecture .* did not match any version",
        "##[error]Version spec 3.6 for architecture x64 did not match any version in Agent.ToolsDirectory.",
        "M6",
        "Hosted agents drop versions of Python that are no longer supported. The original workshop asked for 3.6.",
        "Ask for 3.12 in UsePythonVersion.",
        "YML004",
    ),
    Trouble(
        "cancelled-by-timeout",
        "A job took longer than it may",
        r"ran longer than the maximum time of \d+ minutes",
        "##[error]The job running on agent Hosted Agent ran longer than the maximum time of 60 minutes.",
        "M7",
        "A hosted job of a private project ends after 60 minutes. Mostly something waits for a thing that never comes:"
        " quota, a container that restarts, an environment that does not build.",
        "Find the step that hangs, and what it waits for, before you raise timeoutInMinutes.",
    ),
    Trouble(
        "artifact-not-found",
        "The artifact is not there",
        r"Artifact (name )?drop (was |is )?not found|The artifact .* (was not found|does not exist)"
        r"|No artifacts? .* found",
        "##[error]Artifact drop was not found for build 41.",
        "M6",
        "The stage that publishes it failed or was skipped, or it publishes under another name.",
        "Compare the name behind `publish:` with the one behind `download:`; look at the first stage of the run.",
        "RUN002",
    ),
    Trouble(
        "no-test-results",
        "The tests left no result",
        r"No test result files matching .* were found",
        "##[warning]No test result files matching junit/*.xml were found.",
        "M7",
        "pytest did not run, ran elsewhere, or wrote its results under another name.",
        "Compare the path behind --junitxml with testResultsFiles, and set failTaskOnMissingResultsFile: true. A test"
        " that did not run must not look like one that passed.",
        "TST002",
    ),
    Trouble(
        "data-tests-failed",
        "The data tests said no",
        r"FAILED \S*data_quality\S*::",
        "FAILED labs/tests/data_quality/test_data.py::test_bmi_is_distributed_as_in_the_reference - AssertionError",
        "M11",
        "The training data is not as it was: a column, missing values, a range or a distribution. The gate did its"
        " work.",
        "Read the assertion: it quotes what was seen. Mend the data, or decide on purpose that the reference is out"
        " of date.",
        "DQT001",
    ),
    Trouble(
        "gate-refused",
        "The evaluation refused the model",
        r"refused: .*(mse|baseline|production)|candidate.*(worse|not better) than",
        "refused: mse 4531.2 of the candidate, at most 4108.6 by the baseline",
        "M11",
        "On the hold-out the candidate is worse than production by more than the tolerance, or hardly better than a"
        " guess.",
        "That is an answer, not a fault. Look at what changed in the data and in the script before you touch the"
        " tolerance.",
        "GAT006",
    ),
    Trouble(
        "non-zero-exit",
        "A command of a step ended with an error",
        r"##\[error\](Bash|Cmd\.exe|PowerShell) exited with code '?\d+'?|Script failed with (exit code|error)",
        "##[error]Bash exited with code '1'.",
        "M6",
        "This line only counts. The reason stands above it: the first error of the step, not the last.",
        "Go up in the step's log to the first error, and paste that.",
    ),
)
