"""The pipeline of a world: the stages, environments, artifact and trigger of the attendee's, its steps only echoes."""

STAGES = ("Build", "Staging", "Production")
STARTER_SUFFIX = "abc"  # what the file says before anybody has changed it
HEAD = """trigger:
  branches:
    include:
      - main                                   # the default branch
  paths:
    include:
      - azure-pipelines.yml
      - labs
      - solution
variables:
  workshop.suffix: {suffix}
stages:
  - stage: Build
    displayName: Train, evaluate and register
    jobs:
      - job: Train
        steps:
          - bash: {build}
            displayName: Train it
          - publish: $(Build.SourcesDirectory)/{file}
            artifact: {artifact}
"""
STAGING = """  - stage: Staging
    dependsOn: Build
    jobs:
      - deployment: DeployStaging
        environment: diabetes-staging
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: {staging}
                  displayName: Deploy it
"""
PRODUCTION = """  - stage: Production
    dependsOn: Staging
    jobs:
      - deployment: DeployProduction
        environment: diabetes-production
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: {production}
"""
FILE = "azure-pipelines.yml"
DEFAULTS = {
    "file": FILE,
    "build": "echo trained",
    "artifact": "drop",
    "staging": "echo staged",
    "production": "echo released",
}


def pipeline_text(suffix: str, last: str = "Production", **parts: str) -> str:
    """The YAML with the stages up to `last`. `parts` replace what DEFAULTS has: the commands, the names of the artifact
    and of the file that becomes it.
    """
    stages = (HEAD, STAGING, PRODUCTION)[: STAGES.index(last) + 1]
    return "".join(stages).format(**{"suffix": suffix, **DEFAULTS, **parts})
