// Drives Azure DevOps with Microsoft's Node client: node devops_client.mjs ORGANISATION_URL PROJECT, the PAT in
// AZURE_DEVOPS_EXT_PAT. Prints one JSON document, an entry a part: what it read, or its error. Run it in the folder
// that has node_modules. Enumerations are given and shown by the client's own names for them.
import { failure } from './node/session.mjs';
import { connect, core, refused, workItems } from './node/organization.mjs';
import { git } from './node/repositories.mjs';
import { endpoints, taskAgent } from './node/resources.mjs';
import { build, pipelines } from './node/runs.mjs';

const answers = {};
for (const part of [connect, refused, core, git, endpoints, taskAgent, build, pipelines, workItems]) {
  try {
    answers[part.name] = await part();
  } catch (error) {
    answers[part.name] = { error: { ...failure(error), stack: error.stack } };
  }
}
process.stdout.write(JSON.stringify(answers));
