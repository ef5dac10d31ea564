// What pipelines use: service connections, variable groups, environments.
import { connection, named, projectName, refusal } from './session.mjs';

const TaskAgent = named('TaskAgent');

export async function endpoints() {
  const api = await connection.getServiceEndpointApi();
  const { id } = await (await connection.getCoreApi()).getProject(projectName);
  const reference = { projectReference: { id, name: projectName }, name: 'azure' };
  const made = await api.createServiceEndpoint({
    name: 'azure',
    type: 'AzureRM',
    url: 'https://management.azure.com/',
    data: {
      subscriptionId: '11111111-1111-4111-8111-111111111111', subscriptionName: 'Workshop', creationMode: 'Manual',
    },
    authorization: {
      scheme: 'ServicePrincipal',
      parameters: {
        serviceprincipalid: '22222222-2222-4222-8222-222222222222', serviceprincipalkey: 'hush', tenantid: id,
      },
    },
    serviceEndpointProjectReferences: [reference],
  });
  const serviceEndpointProjectReferences = [{ ...reference, description: 'Changed' }];
  const changed = await api.updateServiceEndpoint(
    { ...made, description: 'Changed', serviceEndpointProjectReferences }, made.id,
  );
  const listed = await api.getServiceEndpoints(projectName, 'azurerm', ['ServicePrincipal'], [made.id], 'library', true);
  const byName = await api.getServiceEndpointsByNames(projectName, ['AZURE', 'nothing']);
  const details = await api.getServiceEndpointDetails(projectName, made.id);
  await api.deleteServiceEndpoint(made.id, [id]);
  return {
    id: made.id,
    changed: changed.description,
    listed: listed.map((one) => one.id),
    byName: byName.map((one) => one.id),
    details,
    left: await api.getServiceEndpoints(projectName),
    types: (await api.getServiceEndpointTypes('azurerm')).map((one) => one.name),
  };
}

export async function taskAgent() {
  const api = await connection.getTaskAgentApi();
  const { id } = await (await connection.getCoreApi()).getProject(projectName);
  const variableGroupProjectReferences = [{ projectReference: { id, name: projectName }, name: 'node-settings' }];
  const body = { name: 'node-settings', type: 'Vsts', variableGroupProjectReferences };
  const group = await api.addVariableGroup({ ...body, variables: { colour: { value: 'blue' } } });
  const variables = { colour: { value: 'green' }, key: { value: 'hush', isSecret: true } };
  const updated = await api.updateVariableGroup({ ...body, variables }, group.id);
  const other = await api.addVariableGroup({
    ...body, name: 'node-z', variables: { a: { value: '1' } },
    variableGroupProjectReferences: [{ ...variableGroupProjectReferences[0], name: 'node-z' }],
  });
  const order = TaskAgent.VariableGroupQueryOrder.IdDescending;
  const groups = await api.getVariableGroups(projectName, 'node-*', undefined, undefined, undefined, order);
  await api.deleteVariableGroup(other.id, [id]);
  return {
    variables: updated.variables,
    read: (await api.getVariableGroup(projectName, group.id)).variables.colour.value,
    groups: groups.map((one) => one.name),
    byId: (await api.getVariableGroupsById(projectName, [group.id])).map((one) => one.name),
    gone: await api.getVariableGroup(projectName, other.id),
    queues: (await api.getAgentQueues(projectName)).map((one) => [one.name, one.pool.isHosted]),
    pools: (await api.getAgentPools()).map((one) => one.name),
    ...(await environments(api)),
  };
}

async function environments(api) {
  const made = await api.addEnvironment({ name: 'node-production', description: 'First' }, projectName);
  const second = await api.addEnvironment({ name: 'node-staging', description: '' }, projectName);
  const changed = await api.updateEnvironment({ name: made.name, description: 'Second' }, projectName, made.id);
  const twice = await refusal(() => api.addEnvironment({ name: 'node-production', description: '' }, projectName));
  const listed = await api.getEnvironments(projectName);
  await api.deleteEnvironment(projectName, second.id);
  return {
    environment: changed.description,
    dated: made.createdOn instanceof Date,
    environments: listed.map((one) => one.name),
    left: (await api.getEnvironments(projectName)).map((one) => one.name),
    expanded: (await api.getEnvironmentById(
      projectName, made.id, TaskAgent.EnvironmentExpands.ResourceReferences,
    )).resources,
    twice,
  };
}
