// Repositories: pushes, refs, items and history.
import { MAIN, ZERO, bytes, connection, named, projectName, refusal } from './session.mjs';
import { PIPELINE, RESULTS } from './files.mjs';

const Git = named('Git');

const change = (name, content) => ({
  changeType: Git.VersionControlChangeType.Add,
  item: { path: name },
  newContent: { content, contentType: Git.ItemContentType.RawText },
});

export async function git() {
  const api = await connection.getGitApi();
  const [repository] = await api.getRepositories(projectName);
  const changes = [change('/azure-pipelines.yml', PIPELINE), change('/results.xml', RESULTS)];
  const commits = [{ comment: 'Add the pipeline\n\nIt trains.', changes }];
  const push = await api.createPush({ refUpdates: [{ name: MAIN, oldObjectId: ZERO }], commits }, repository.id);
  const refs = await api.getRefs(repository.id, projectName, 'heads/');
  const head = { version: 'main', versionType: Git.GitVersionType.Branch };
  const full = Git.VersionControlRecursionType.Full;
  const items = await api.getItems(repository.id, projectName, '/', full, true, true, false, false, head);
  const item = await api.getItem(
    repository.id, '/results.xml', projectName, undefined, undefined, true, false, false, head, true,
  );
  const stream = await api.getItemContent(repository.id, 'azure-pipelines.yml', projectName);
  const text = await api.getItemText(repository.id, '/azure-pipelines.yml', projectName);
  const history = await api.getCommits(repository.id, { itemVersion: head, $top: 5 }, projectName);
  const commit = await api.getCommit(history[0].commitId, repository.id, projectName);
  return {
    empty: repository.size,
    pushed: push.refUpdates[0].newObjectId,
    refs: refs.map((one) => [one.name, one.objectId]),
    items: items.map((one) => [one.path, Git.GitObjectType[one.gitObjectType]]),
    item: item.content === RESULTS,
    stream: (await bytes(stream)).toString() === PIPELINE,
    text: (await bytes(text)).toString() === PIPELINE,
    history: history.map((one) => [one.commitId, one.comment]),
    commit: { comment: commit.comment, dated: commit.author.date instanceof Date },
    changes: (await api.getChanges(commit.commitId, repository.id, projectName)).changes.map((one) => one.item.path),
    branch: (await api.getBranch(repository.id, 'main', projectName)).commit.commitId,
    ...(await repositories(api, repository, push.refUpdates[0].newObjectId)),
  };
}

/** One push that edits, renames and adds bytes; the file before it by commit; pushes by date. */
async function edits(api, repository, tip) {
  const { VersionControlChangeType: Change, ItemContentType: Content, GitVersionType: Version } = Git;
  const changes = [
    { changeType: Change.Rename, item: { path: '/data/results.xml' }, sourceServerItem: '/results.xml' },
    {
      changeType: Change.Add, item: { path: '/raw.bin' },
      newContent: { content: Buffer.from([0, 1]).toString('base64'), contentType: Content.Base64Encoded },
    },
  ];
  const refUpdates = [{ name: 'refs/heads/topic', oldObjectId: tip }];
  const push = await api.createPush({ refUpdates, commits: [{ comment: 'Move', changes }] }, repository.id);
  const read = async (version, versionType, name) => (
    (await api.getItems(
      repository.id, projectName, name, Git.VersionControlRecursionType.None, false, false, false, false,
      { version, versionType },
    )).map((one) => one.path));
  const raw = await api.getItemContent(
    repository.id, '/raw.bin', projectName, undefined, Git.VersionControlRecursionType.None, false, false, false,
    { version: 'topic', versionType: Version.Branch },
  );
  const between = { fromDate: new Date('2001-01-01'), toDate: new Date('2901-01-01') };
  const after = { fromDate: new Date('2901-01-01') };
  return {
    moved: await read('topic', Version.Branch, '/data/results.xml'),
    before: await read(tip, Version.Commit, '/results.xml'),
    raw: [...await bytes(raw)],
    kinds: (await api.getChanges(push.commits[0].commitId, repository.id, projectName)).changes.map(
      (one) => [one.item.path, Change[one.changeType]],
    ),
    pushes: (await api.getPushes(repository.id, projectName, 0, 10, between)).map((one) => one.pushId === push.pushId),
    later: await api.getPushes(repository.id, projectName, 0, 10, after),
  };
}

async function repositories(api, repository, tip) {
  const second = await api.createRepository({ name: 'second', project: { id: repository.project.id } }, projectName);
  const renamed = await api.updateRepository({ name: 'third' }, second.id, projectName);
  const names = (await api.getRepositories(projectName)).map((one) => one.name);
  await api.deleteRepository(second.id, projectName);
  const update = { name: 'refs/heads/topic', oldObjectId: ZERO, newObjectId: tip };
  const [updated] = await api.updateRefs([update], repository.id, projectName);
  return {
    edits: await edits(api, repository, tip),
    renamed: renamed.name,
    names,
    left: (await api.getRepositories(projectName)).map((one) => one.name),
    gone: await api.getRepository(second.id, projectName),
    reread: (await api.getRepository(projectName, projectName)).defaultBranch,
    topic: [updated.success, Git.GitRefUpdateStatus[updated.updateStatus]],
    missing: await api.getItem(repository.id, '/nothing', projectName),
    stale: await refusal(() => api.createPush(
      { refUpdates: [{ name: MAIN, oldObjectId: ZERO }], commits: [{ comment: 'x', changes: [change('/x', 'x')] }] },
      repository.id, projectName,
    )),
  };
}
