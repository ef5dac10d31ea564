"""PublishCodeCoverageResults@1 and @2: line and branch rates of Cobertura and JaCoCo files."""

from sandbox.pipelines.patterns import find_files
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks import coverage
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "PublishCodeCoverageResults"
VERSIONS = ("1", "2")
INPUTS = (
    Input("codeCoverageTool", default="JaCoCo"),
    Input("summaryFileLocation", required=True),
    Input("pathToSources"),
    Input("reportDirectory"),
    Input("additionalCodeCoverageFiles"),
    Input("failIfCoverageEmpty", ("failIfCoverageIsEmpty",), default="false"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Which of the two kinds a file is, its content says. Raises StepError."""
    if step.step.task and step.step.task.version == "1":
        step.write("##[warning]PublishCodeCoverageResults@1 is deprecated: write PublishCodeCoverageResults@2.")
    files = find_files(step.folders.sources, inputs.text("summaryFileLocation"))
    if not files:
        message = f"No code coverage file was found at '{inputs.text('summaryFileLocation')}'."
        if inputs.flag("failIfCoverageEmpty"):
            raise StepError(message)
        step.warn(message)
        return
    for path in files:
        found = coverage.publish(step, path)
        if not found.lines_valid and inputs.flag("failIfCoverageEmpty"):
            raise StepError(f"The coverage in '{path}' is empty.")
