// Validates pipelines with Microsoft's language service: node language_service.js SCHEMA FILE... prints JSON, one entry
// a file. Exit code 0 clean, 1 findings, 3 the schema had no effect. Run it in the folder that has node_modules.
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');

console.log = () => {}; // the service traces on stdout
const installed = createRequire(path.join(process.cwd(), 'package.json'));
const service = installed('azure-pipelines-language-service');
const { TextDocument } = installed('vscode-languageserver-textdocument');

const [schemaFile, ...files] = process.argv.slice(2);
// An object, not text: handed text, the service accepts every file.
const schema = JSON.parse(fs.readFileSync(schemaFile, 'utf8'));
const schemaAddress = pathToFileURL(path.resolve(schemaFile)).href;
const languageService = service.getLanguageService(async () => schema, [], async () => schemaAddress);
languageService.configure({ validate: true });

async function problems(name, text) {
  const document = TextDocument.create(pathToFileURL(path.resolve(name)).href, 'azure-pipelines', 1, text);
  const found = await languageService.doValidation(document, service.parse(text));
  return found.map((one) => ({ line: one.range.start.line + 1, message: one.message.slice(0, 200) }));
}

async function main() {
  if (!(await problems('self.yml', 'steps:\n- script: a\n  bogus: 1\n')).length) {
    process.exitCode = 3;
    return;
  }
  const answers = [];
  for (const file of files) answers.push({ file, problems: await problems(file, fs.readFileSync(file, 'utf8')) });
  process.stdout.write(JSON.stringify(answers) + '\n');
  process.exitCode = answers.some((one) => one.problems.length) ? 1 : 0; // exit() would cut the output at a pipe
}

main();
