"""PublishTestResults@2: reads result files, sums them up, gives them to the run."""

from sandbox.pipelines.patterns import find_files
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks import testing
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "PublishTestResults"
VERSIONS = ("2",)
INPUTS = (
    Input("testRunner", ("testResultsFormat",), default="JUnit"),
    Input("testResultsFiles", default="**/TEST-*.xml", required=True),
    Input("searchFolder"),
    Input("mergeTestResults", default="false"),
    Input("failTaskOnFailedTests", default="false"),
    Input("failTaskOnFailureToPublishResults", default="false"),
    Input("failTaskOnMissingResultsFile", default="false"),
    Input("testRunTitle"),
    Input("buildPlatform", ("platform",)),
    Input("buildConfiguration", ("configuration",)),
    Input("publishRunAttachments", default="true"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Fails only when it is asked to. Raises StepError."""
    folder = step.path(inputs.text("searchFolder"))
    files = find_files(folder, inputs.text("testResultsFiles"))
    if not files:
        message = f"No test result files matching '{inputs.text('testResultsFiles')}' were found in '{folder}'."
        if inputs.flag("failTaskOnMissingResultsFile"):
            raise StepError(message)
        step.warn(message)
        return
    kind, title = inputs.text("testRunner"), inputs.text("testRunTitle")
    try:
        failed = testing.publish(step, kind, files, title, inputs.flag("mergeTestResults"))
    except testing.UnreadableResults as error:
        if inputs.flag("failTaskOnFailureToPublishResults"):
            raise
        step.warn(str(error))
        return
    if failed and inputs.flag("failTaskOnFailedTests"):
        raise StepError(f"There are one or more test failures detected in result files: {failed} failed.")
