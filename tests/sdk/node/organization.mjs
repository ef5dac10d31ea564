// Who one is, what there is to see, projects and work items.
import { base, client, connection, named, poll, projectName, refusal } from './session.mjs';

const AGILE = 'adcc42ab-9882-485e-a3ed-7678f01f66bc';
const { ProjectVisibility } = named('Core');
const OPERATIONS = '9a1b74b4-2ca8-4a9f-8470-c2f2e6fdc949'; // the client has no class for operations

export async function connect() {
  const data = await connection.connect();
  const areas = await (await connection.getLocationsApi()).getResourceAreas();
  const user = data.authenticatedUser;
  return { user: user.providerDisplayName, instance: data.instanceId, areas: areas.map((one) => one.name) };
}

export async function refused() {
  const stranger = new client.WebApi(base, client.getPersonalAccessTokenHandler('x'.repeat(52)));
  const bearer = new client.WebApi(base, client.getBearerHandler('nobody'));
  return {
    connect: await refusal(() => stranger.connect()),
    projects: await refusal(async () => (await stranger.getCoreApi()).getProjects()),
    bearer: await refusal(() => bearer.connect()),
  };
}

async function operation(id) {
  const api = await connection.getCoreApi();
  const route = await api.vsoClient.getVersioningData('7.1-preview.1', 'operations', OPERATIONS, { operationId: id });
  return (await api.rest.get(route.requestUrl, api.createRequestOptions('application/json', route.apiVersion))).result;
}

const finish = ({ id }) => poll(() => operation(id), (one) => ['succeeded', 'failed'].includes(one.status));

export async function core() {
  const api = await connection.getCoreApi();
  const capabilities = { versioncontrol: { sourceControlType: 'Git' }, processTemplate: { templateTypeId: AGILE } };
  const asked = { name: projectName, description: 'Made by node', visibility: ProjectVisibility.Private, capabilities };
  const missing = await api.getProject(projectName);
  const queued = await api.queueCreateProject(asked);
  const ended = await finish(queued);
  const project = await api.getProject(projectName, true);
  const twice = await refusal(() => api.queueCreateProject(asked));
  return {
    missing,
    operation: ended.status,
    project,
    dated: project.lastUpdateTime instanceof Date,
    twice,
    visibilities: [project.visibility, ...await visibilities(api, project.id)].map((one) => ProjectVisibility[one]),
    names: (await api.getProjects(undefined, 1000)).map((one) => one.name),
    teams: (await api.getTeams(project.id)).map((one) => one.name),
    processes: (await api.getProcesses()).map((one) => one.name),
  };
}

/** What a project's visibility is after each of two changes. */
async function visibilities(api, id) {
  const seen = [];
  for (const visibility of [ProjectVisibility.Public, ProjectVisibility.Private]) {
    await finish(await api.updateProject({ visibility }, id));
    seen.push((await api.getProject(id)).visibility);
  }
  return seen;
}

export async function workItems() {
  const api = await connection.getWorkItemTrackingApi();
  const document = (fields) => Object.entries(fields).map(
    ([name, value]) => ({ op: 'add', path: `/fields/System.${name}`, value }),
  );
  const bug = await api.createWorkItem({}, document({ Title: 'Too slow', Tags: 'mlops' }), projectName, 'Bug');
  const story = await api.createWorkItem({}, document({ Title: 'Train' }), projectName, 'User Story');
  const changed = await api.updateWorkItem({}, document({ State: 'Active' }), bug.id);
  const query = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project ORDER BY [System.Id] DESC";
  const found = await api.queryByWiql({ query }, { project: projectName });
  const listed = await api.getWorkItems([bug.id, story.id], ['System.Title']);
  const batch = await api.getWorkItemsBatch({ ids: [bug.id, story.id], fields: ['System.Title'] });
  await api.deleteWorkItem(bug.id);
  return {
    fields: bug.fields,
    changed: [changed.rev, changed.fields['System.State']],
    found: found.workItems.map((one) => one.id === story.id),
    listed: listed.map((one) => one.fields),
    batch: batch.map((one) => one.fields['System.Title']),
    types: (await api.getWorkItemTypes(projectName)).map((one) => one.name),
    gone: await api.getWorkItem(bug.id),
    refused: await refusal(() => api.createWorkItem({}, document({ Title: 'x' }), projectName, 'Nonsense')),
  };
}
