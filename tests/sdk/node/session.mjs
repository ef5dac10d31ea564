// One connection of Microsoft's Node client, for the arguments that devops_client.mjs is given.
import { createRequire } from 'node:module';
import path from 'node:path';

const installed = createRequire(path.join(process.cwd(), 'package.json'));
export const client = installed('azure-devops-node-api');
export const named = (area) => installed(`azure-devops-node-api/interfaces/${area}Interfaces`);
export const [base, projectName] = process.argv.slice(2);
export const connection = new client.WebApi(base, client.getHandlerFromToken(process.env.AZURE_DEVOPS_EXT_PAT));

export const ZERO = '0'.repeat(40);
export const MAIN = 'refs/heads/main';
const PATIENCE = 60_000;

export async function poll(read, done) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const found = await read();
    if (done(found)) return found;
    if (Date.now() > deadline) throw new Error(`still not so after ${PATIENCE} ms: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function bytes(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

export const failure = (error) => ({ name: error.name, message: error.message, statusCode: error.statusCode ?? null });

export async function refusal(call) {
  try {
    return { answered: await call() };
  } catch (error) {
    return failure(error);
  }
}
