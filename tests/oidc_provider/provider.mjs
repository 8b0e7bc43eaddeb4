// A real OpenID provider on loopback, for tests: npm's oidc-provider with people out of a file, read anew at every question.
// node provider.mjs PORT PEOPLE.json CALLBACK[,CALLBACK…] LOGOUT_URI ; prints "ready" when it listens.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, people, callbacks, logout, modules] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider')));
const issuer = `http://localhost:${port}`;
const read = () => JSON.parse(readFileSync(people, 'utf8'));

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'negatoscope',
    client_secret: 'a secret + with % signs : in it',
    redirect_uris: callbacks.split(','),
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_basic',
    backchannel_logout_uri: logout,
    backchannel_logout_session_required: true,
  }],
  cookies: { keys: ['only for tests'] },
  claims: {
    openid: ['sub'], profile: ['name', 'given_name', 'family_name', 'preferred_username', 'groups'],
    email: ['email', 'email_verified'],
    acr: null, amr: null, sid: null, auth_time: null, iss: null,
  },
  conformIdTokenClaims: false,
  acrValues: ['urn:test:password', 'urn:test:mfa', 'urn:test:passkey'],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => { ctx.body = `<!doctype html><title>out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`; },
      postLogoutSuccessSource: (ctx) => { ctx.body = '<!doctype html><title>out</title><p>You are out'; },
    },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  allowOmittingSingleRegisteredRedirectUri: false,
  findAccount: (ctx, id) => {
    const person = read()[id];
    return person && { accountId: person.sub ?? id, claims: () => ({ sub: id, ...person }) };
  },
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
  // It refuses to call this very machine; here everything is on it.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = `<!doctype html><title>error</title><pre>${JSON.stringify(out)}`; },
});
provider.on('server_error', (ctx, error) => console.error(error));
for (const event of ['backchannel.error', 'grant.error', 'authorization.error']) provider.on(event, (ctx, error) => console.error(event, error?.error_description ?? error?.message, error?.cause?.message ?? ''));

provider.use(async (ctx, next) => {
  const [, where, uid] = ctx.path.split('/');
  if (where !== 'interaction') return next();
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = `<!doctype html><title>The hospital's sign-in</title><h1>The hospital's sign-in</h1><form method="post" action="/interaction/${uid}"><label>Who <input name="who"></label><button name="go" value="yes">Continue</button><button name="go" value="no">Cancel</button></form>`;
    return undefined;
  }
  let body = '';
  for await (const chunk of ctx.req) body += chunk;
  const form = new URLSearchParams(body);
  const person = read()[form.get('who')];
  const result = form.get('go') === 'yes' && person
    ? { login: { accountId: form.get('who'), acr: person.acr, amr: person.amr, remember: true } }
    : { error: 'access_denied', error_description: 'cancelled' };
  void details;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  ctx.respond = false;
  return undefined;
});

process.on('disconnect', () => process.exit());
process.stdin.on('end', () => process.exit());
process.stdin.resume();
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
