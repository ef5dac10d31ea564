"""Lines of Azure Machine Learning about jobs, environments, data and models."""

from checker.troubleshooting.model import Trouble

TROUBLES = (
    Trouble(
        "conda-solve",
        "The environment cannot be solved",
        r"ResolvePackageNotFound|UnsatisfiableError|LibMambaUnsatisfiableError|CondaEnvException|PackagesNotFoundError",
        "ResolvePackageNotFound: - scikit-learn=99.0",
        "M6",
        "No set of packages satisfies all versions at once, or a version does not exist for this Python or this"
        " platform.",
        "Loosen one pin after the other in labs/conf/train-environment.yml. What only pip knows belongs under pip:.",
        "TRN001",
    ),
    Trouble(
        "pip-no-version",
        "pip finds no such version",
        r"No matching distribution found for|Could not find a version that satisfies the requirement",
        "ERROR: No matching distribution found for scikit-learn==99.0",
        "M6",
        "The version is misspelt, or there is none for this Python, or the package index cannot be reached.",
        "Compare it with the package's page; take a version that supports the Python of the environment.",
        "TRN001",
    ),
    Trouble(
        "image-build-failed",
        "The environment's image was not built",
        r"ImageBuildFailure|EnvironmentBuildFail|Image build (job )?failed",
        "ImageBuildFailure: Image build failed. See 20_image_build_log.txt for details.",
        "M6",
        "Building the training environment ended with an error. The reason is in the build's log, not in the job's.",
        "Open the environment in the studio, Build log, and paste its first error here.",
        "TRN001",
    ),
    Trouble(
        "compute-not-found",
        "The cluster is not there",
        r"Compute(Target)?NotFound|compute target .* (was )?not found|Target .* not found in workspace"
        r"|no compute named",
        "ComputeTargetNotFound: Compute Target with name cpu-abc not found in provided workspace",
        "M6",
        "The job names a cluster that has not been made, or one with another suffix.",
        "Make it, or correct compute in the job; compare it with [names] of workshop.toml.",
        "WSP003",
    ),
    Trouble(
        "workspace-not-found",
        "The workspace is not there",
        r"Workspace(NotFound| .* not found)"
        r"|Microsoft\.MachineLearningServices/workspaces/\S+' under resource group '\S+' was not found",
        "The Resource 'Microsoft.MachineLearningServices/workspaces/mlw-diabetes-abc' under resource group"
        " 'rg-diabetes-abc' was not found.",
        "M6",
        "It has not been made yet, or name, group or subscription is another one.",
        "Run the provisioning script, or correct the names in workshop.toml.",
        "WSP002",
    ),
    Trouble(
        "data-asset-not-found",
        "The data asset is not there",
        r"(data ?asset|data container|Dataset).*(not found|could not be found|does not exist)",
        "UserErrorException: Data asset diabetes-abc:1 not found.",
        "M6",
        "It has not been registered, or its name or version is another one.",
        "Register the data before the job, and take the version that the registration returned.",
        "DAT001",
    ),
    Trouble(
        "csv-not-found",
        "The script does not find its data",
        r"FileNotFoundError: .*\.(csv|json)'",
        "FileNotFoundError: [Errno 2] No such file or directory: 'diabetes.csv'",
        "M6",
        "In a job nothing lies where it lies on your machine. The path comes in as an argument.",
        "Read the path from --data, and give the data asset as the job's input.",
        "SCR001",
    ),
    Trouble(
        "job-user-error",
        "The training script ended with an error",
        r"ExecutionFailed|UserScriptException|Execution failed\. User process .* exited with status code",
        "Execution failed. User process 'python' exited with status code 1. Please check log file"
        " 'user_logs/std_log.txt' for error details.",
        "M6",
        "The job ran your script, and the script failed. The traceback is in user_logs/std_log.txt.",
        "Open the job, Outputs + logs, user_logs/std_log.txt, and paste its last lines here. Most of it fails on your"
        " machine as well: run the script there first.",
        "TRN002",
        ("checker check SCR001",),
    ),
    Trouble(
        "too-many-values-sklearn",
        "scikit-learn was given missing values",
        r"Input (X|y)? ?contains NaN",
        "ValueError: Input X contains NaN. Ridge does not accept missing values encoded as NaN natively.",
        "M11",
        "The data has missing values, and the training was the first to look.",
        "Let the data tests find it before the training; then mend the data, not the script.",
        "DQT001",
    ),
    Trouble(
        "feature-names",
        "The columns are not those of the training",
        r"feature names should match those that were passed during fit"
        r"|has \d+ features, but .* is expecting \d+ features",
        "ValueError: X has 9 features, but Ridge is expecting 10 features as input.",
        "M11",
        "A column is missing, doubled, renamed or in another order.",
        "Compare the header with data/diabetes_reference.json; the data tests should have said so before.",
        "DQT001",
    ),
    Trouble(
        "mlflow-plugin-missing",
        "MLflow does not know the workspace's address",
        r"azureml://.*(Unsupported|No tracking|not (a )?valid)|Model registry functionality is unavailable"
        r"|unsupported URI 'azureml:",
        "mlflow.exceptions.UnsupportedModelRegistryStoreURIException: Model registry functionality is unavailable; got"
        " unsupported URI 'azureml://westeurope.api.azureml.ms/mlflow/v1.0'",
        "M6",
        "The package azureml-mlflow is not in the environment: mlflow alone does not speak to a workspace.",
        "Add azureml-mlflow to labs/conf/train-environment.yml.",
        "TRN003",
    ),
    Trouble(
        "model-not-found",
        "The model version is not there",
        r"Model(Container|Version)?NotFound|model .*(version .*)?(not found|does not exist)"
        r"|Model container .* not found",
        "(ModelNotFound) Model diabetes-model-abc version 3 not found.",
        "M7",
        "The run names a version that was never registered, or not in this workspace. After a refusal of the gate"
        " there is none.",
        "Take the version from the artifact of the same run; look whether its first stage registered one.",
        "MOD001",
    ),
    Trouble(
        "version-conflict-sklearn",
        "The model was saved with another version",
        r"InconsistentVersionWarning|Trying to unpickle estimator",
        "InconsistentVersionWarning: Trying to unpickle estimator Ridge from version 1.3.0 when using version 1.9.1.",
        "M7",
        "Training and serving do not have the same scikit-learn. It may work, and it may predict something else.",
        "Pin the same version in labs/conf/train-environment.yml and labs/image/requirements.txt.",
        "STG005",
    ),
    Trouble(
        "classic-cli",
        "The old command line of Azure ML is not there",
        r"'?ml'? is misspelled or not recognized|azure-cli-ml|No module named 'azureml\.core'",
        "ERROR: 'ml' is misspelled or not recognized by the system.",
        "M6",
        "`az ml` is an extension. The original used version 1 (azure-cli-ml, azureml-core), which is out of support.",
        "The workshop's scripts use the package azure-ai-ml. For the command line, add the extension ml, version 2.",
        "",
        ("az extension add --name ml",),
    ),
)
