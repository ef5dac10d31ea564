// Definitions and their runs, as builds and as pipelines, and what runs leave.
import { MAIN, bytes, connection, named, poll, projectName, refusal } from './session.mjs';

const [Builds, TaskAgent, Tests] = ['Build', 'TaskAgent', 'Test'].map(named);

async function createDefinition(api) {
  const { id } = await (await connection.getGitApi()).getRepository(projectName, projectName);
  return api.createDefinition({
    name: 'node-build',
    type: Builds.DefinitionType.Build,
    path: '\\',
    queueStatus: Builds.DefinitionQueueStatus.Enabled,
    process: { type: 2, yamlFilename: 'azure-pipelines.yml' },
    repository: { id, type: 'TfsGit', defaultBranch: MAIN },
  }, projectName);
}

/** Permits a definition to use the group and the environment; both are closed to begin with. */
async function permit(api, definition) {
  const agents = await connection.getTaskAgentApi();
  const [group] = await agents.getVariableGroups(projectName, 'node-settings');
  const [environment] = await agents.getEnvironments(projectName, 'node-production');
  const resources = [['variablegroup', group], ['environment', environment]].map(([type, one]) => (
    { type, id: String(one.id), name: one.name, authorized: true }));
  await api.authorizeDefinitionResources(resources, projectName, definition);
  return (await api.getDefinitionResources(projectName, definition)).map((one) => [one.type, one.authorized]);
}

const finish = (api, id) => poll(
  () => api.getBuild(projectName, id), (one) => one.status === Builds.BuildStatus.Completed,
);

async function records(api, id) {
  const timeline = await api.getBuildTimeline(projectName, id);
  return timeline?.records ?? []; // before the plan is made there is no timeline
}

export async function build() {
  const api = await connection.getBuildApi();
  const definition = await createDefinition(api);
  const queued = await api.queueBuild({ definition: { id: definition.id }, sourceBranch: MAIN }, projectName);
  const closed = (await poll(
    () => records(api, queued.id),
    (found) => found.some((one) => one.type === 'Checkpoint.Authorization' && one.state === 1),
  )).find((one) => one.type === 'Checkpoint.Authorization');
  const permitted = await permit(api, definition.id);
  const ended = await finish(api, queued.id);
  const found = await records(api, queued.id);
  return {
    definition: await definitions(api, definition),
    closed: [Builds.TimelineRecordState[closed.state], closed.result],
    permitted,
    queued: [Builds.BuildStatus[queued.status], Builds.BuildReason[queued.reason]],
    ended: [Builds.BuildStatus[ended.status], Builds.BuildResult[ended.result], ended.buildNumber],
    dated: [ended.queueTime, ended.startTime, ended.finishTime].every((one) => one instanceof Date),
    source: ended.sourceVersion,
    stages: found.filter((one) => one.type === 'Stage').sort((one, two) => one.order - two.order).map(
      (one) => [one.name, Builds.TimelineRecordState[one.state], Builds.TaskResult[one.result]],
    ),
    ...(await outcome(api, queued.id, found)),
    tests: await tests(queued.id),
    deployments: await deployments(queued.id),
    ...(await stopped(api, definition.id)),
  };
}

async function definitions(api, definition) {
  const full = await api.getDefinition(projectName, definition.id);
  const listed = await api.getDefinitions(
    projectName, 'node-*', undefined, undefined, Builds.DefinitionQueryOrder.DefinitionNameAscending,
  );
  const updated = await api.updateDefinition({ ...full, name: 'node-renamed', comment: 'again' }, projectName, full.id);
  return {
    file: full.process.yamlFilename,
    status: Builds.DefinitionQueueStatus[full.queueStatus],
    listed: listed.map((one) => one.name),
    revisions: [full.revision, updated.revision],
    renamed: updated.name,
    dated: full.createdDate instanceof Date,
    missing: await api.getDefinition(projectName, 999_999),
  };
}

async function outcome(api, id, found) {
  const step = found.find((one) => one.name === 'Fit it');
  const artifacts = await api.getArtifacts(projectName, id);
  const zip = await bytes(await api.getArtifactContentZip(projectName, id, 'drop'));
  const log = await bytes(await api.getBuildLog(projectName, id, step.log.id));
  return {
    logs: (await api.getBuildLogs(projectName, id)).map((one) => one.id).includes(step.log.id),
    lines: await api.getBuildLogLines(projectName, id, step.log.id),
    log: log.toString(),
    artifacts: artifacts.map((one) => [one.name, one.resource.type]),
    artifact: (await api.getArtifact(projectName, id, 'drop')).id === artifacts[0].id,
    zip: zip.toString('base64'),
    tags: await api.addBuildTag(projectName, id, 'node'),
    changes: (await api.getBuildChanges(projectName, id)).map((one) => one.message),
  };
}

async function tests(id) {
  const api = await connection.getTestApi();
  const [run] = await api.getTestRuns(
    projectName, `vstfs:///Build/Build/${id}`, undefined, undefined, undefined, true,
  );
  const results = await api.getTestResults(projectName, run.id);
  const failed = await api.getTestResults(
    projectName, run.id, undefined, undefined, undefined, [Tests.TestOutcome.Failed],
  );
  return {
    run: [run.name, run.totalTests, run.passedTests],
    read: (await api.getTestRunById(projectName, run.id)).name,
    statistics: (await api.getTestRunStatistics(projectName, run.id)).runStatistics.map(
      (one) => [one.outcome, one.count],
    ),
    results: results.map((one) => [one.testCaseTitle, one.outcome, one.durationInMs]),
    failed: failed.map((one) => one.testCaseTitle),
    elsewhere: await api.getTestRuns(projectName, 'vstfs:///Build/Build/999999'),
    coverage: await api.getBuildCodeCoverage(projectName, id, 1),
  };
}

async function deployments(id) {
  const api = await connection.getTaskAgentApi();
  const [environment] = await api.getEnvironments(projectName, 'node-production');
  const rows = await api.getEnvironmentDeploymentExecutionRecords(projectName, environment.id);
  return rows.filter((one) => one.owner.id === id).map(
    (one) => [one.stageName, one.jobName, TaskAgent.TaskResult[one.result]],
  );
}

/** A run that is cancelled, then what lists of runs show by their filters and order. */
async function stopped(api, definition) {
  const queued = await api.queueBuild({ definition: { id: definition }, sourceBranch: MAIN }, projectName);
  await api.updateBuild({ status: Builds.BuildStatus.Cancelling }, projectName, queued.id);
  const ended = await finish(api, queued.id);
  const none = undefined;
  const builds = await api.getBuilds(
    projectName, [definition], none, none, none, none, none, Builds.BuildReason.Manual, Builds.BuildStatus.Completed,
    none, none, none, 10, none, none, none, Builds.BuildQueryOrder.QueueTimeDescending, MAIN,
  );
  const [past, future] = [new Date('2001-01-01'), new Date('2901-01-01')];
  const good = await api.getBuilds(
    projectName, [definition], none, none, past, future, none, none, none, Builds.BuildResult.Succeeded,
  );
  return {
    cancelled: Builds.BuildResult[ended.result],
    newestFirst: builds.map((one) => one.id - queued.id),
    succeeded: good.map((one) => one.id < queued.id),
    later: await api.getBuilds(projectName, [definition], none, none, future),
    earlier: await api.getBuilds(projectName, [definition], none, none, none, past),
    missing: await api.getBuild(projectName, 999_999),
    refused: await refusal(() => api.queueBuild({ definition: { id: 999_999 } }, projectName)),
  };
}

export async function pipelines() {
  const api = await connection.getPipelinesApi();
  const builds = await connection.getBuildApi();
  const { RunState, RunResult, ConfigurationType } = named('Pipelines');
  const { id } = await (await connection.getGitApi()).getRepository(projectName, projectName);
  const made = await api.createPipeline({
    name: 'node-pipeline',
    folder: '\\',
    configuration: {
      type: ConfigurationType.Yaml, path: 'azure-pipelines.yml', repository: { id, type: 'azureReposGit' },
    },
  }, projectName);
  await permit(builds, made.id);
  const asked = { templateParameters: { alpha: '7' }, resources: { repositories: { self: { refName: MAIN } } } };
  const preview = await api.preview({ ...asked, previewRun: true }, projectName, made.id);
  const run = await api.runPipeline(asked, projectName, made.id);
  await finish(builds, run.id);
  const ended = await api.getRun(projectName, made.id, run.id);
  const { logs } = await api.listLogs(projectName, made.id, run.id);
  const expand = 1; // signedContent
  const artifact = await api.getArtifact(projectName, made.id, run.id, 'drop', expand);
  return {
    pipeline: (await api.getPipeline(projectName, made.id)).name,
    names: (await api.listPipelines(projectName)).map((one) => one.name).sort(),
    preview: preview.finalYaml,
    run: [RunState[run.state], run.templateParameters],
    ended: [RunState[ended.state], RunResult[ended.result], ended.createdDate instanceof Date],
    runs: (await api.listRuns(projectName, made.id)).map((one) => one.id === run.id),
    log: (await api.getLog(projectName, made.id, run.id, logs[0].id)).id === logs[0].id,
    artifact: [artifact.name, Boolean(artifact.signedContent.url)],
    zip: (await bytes(await builds.getArtifactContentZip(projectName, run.id, 'drop'))).toString('base64'),
    unknownParameter: await refusal(() => api.runPipeline(
      { templateParameters: { beta: '1' } }, projectName, made.id,
    )),
  };
}
