// A real authorization server, oidc-provider, for the interop tests: the token, pushed
// authorization request, introspection, revocation, device authorization and
// authorization endpoints.
//
//     node server.mjs CONFIG.json
//
// CONFIG.json:
//
//     { "fapi": false,
//       "clients": [
//         { "client_id": "...", "jwks": { "keys": [...] } },
//         { "client_id": "...", "jwks_uri": "http://127.0.0.1:NNNN/jwks.json",
//           "token_endpoint_auth_signing_alg": "ES256" } ] }
//
// With "fapi", it follows the FAPI 2.0 Security Profile: the issuer as the only audience,
// PS256, ES256 and Ed25519, and pushed authorization requests only.
//
// Whoever is sent to log in is user-1 and agrees to everything, without a page; the
// pages where a user code is typed in are the library's.
//
// Listens on an ephemeral port of 127.0.0.1 and then prints the one line
// `ISSUER http://127.0.0.1:PORT` on stdout; everything else goes to stderr,
// among it why a token request was refused, which the response itself does not
// tell. Ends when its stdin closes, so it must be started with a pipe there, and
// on SIGTERM.

import { Console } from 'node:console';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const { stdin, stdout, stderr } = process;

// The library's notices use console.info: keep them off stdout. This has to be in
// place before the library is loaded, hence the import() below.
globalThis.console = new Console(stderr, stderr);

for (const event of ['end', 'close', 'error']) {
  stdin.on(event, () => process.exit(0));
}
stdin.resume();
process.on('SIGTERM', () => process.exit(0));

const { default: Provider, errors } = await import('oidc-provider');
const { exportJWK, generateKeyPair } = await import('jose');

const CLIENT_AUTH_ALGS = [
  'RS256', 'RS384', 'RS512',
  'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512',
  'EdDSA', 'Ed25519',
];

const FAPI_ALGS = ['PS256', 'ES256', 'EdDSA', 'Ed25519'];

// The resources a token can be asked for, and the algorithm of their tokens; those
// without one are opaque. The first one is the default.
const RESOURCES = {
  'urn:example:api': 'RS256',
  'urn:example:es256': 'ES256',
  'urn:example:ed25519': 'Ed25519',
  'urn:example:opaque': undefined,
};
const DEFAULT_RESOURCE = Object.keys(RESOURCES)[0];

const ACCOUNT = 'user-1';
const GRANTS = [
  'client_credentials',
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
];

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

// oidc-provider hands its fetch a dispatcher that cuts connections to loopback and
// private addresses. The tests' jwks_uri is on loopback, so it is dropped here, and
// nothing but loopback is fetched.
async function loopbackFetch(url, { dispatcher, ...options }) {
  if (!LOOPBACK.has(new URL(url).hostname)) {
    throw new Error(`not a loopback address: ${url}`);
  }
  return fetch(url, { ...options, redirect: 'error' });
}

function client({ client_id, jwks, jwks_uri, token_endpoint_auth_signing_alg }) {
  return {
    client_id,
    grant_types: GRANTS,
    redirect_uris: ['https://app.example/cb'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    ...(jwks && { jwks }),
    ...(jwks_uri && { jwks_uri }),
    ...(token_endpoint_auth_signing_alg && { token_endpoint_auth_signing_alg }),
  };
}

// An error of the library and its causes, in one line.
function reasons(err) {
  const said = new Set();
  for (let at = err; at instanceof Error; at = at.cause) {
    said.add(at.error_detail ?? at.error_description ?? at.message);
  }
  return [err.error, ...said].filter(Boolean).join(': ');
}

// The login, and after it the consent.
async function interaction(server, req, res) {
  const { prompt, params, session, grantId } = await server.interactionDetails(req, res);
  if (prompt.name === 'login') {
    const login = { accountId: ACCOUNT };
    return server.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
  }
  const { accountId } = session;
  const grant = grantId
    ? await server.Grant.find(grantId)
    : new server.Grant({ accountId, clientId: params.client_id });
  const { missingOIDCScope, missingResourceScopes } = prompt.details;
  if (missingOIDCScope) {
    grant.addOIDCScope(missingOIDCScope.join(' '));
  }
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const consent = { grantId: await grant.save() };
  return server.interactionFinished(req, res, { consent }, { mergeWithLastSubmission: true });
}

async function signingKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `provider-${alg}` };
}

async function provider(issuer, { clients, fapi = false }) {
  const algs = Object.values(RESOURCES).filter(Boolean);
  const server = new Provider(issuer, {
    clients: clients.map(client),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: fapi ? FAPI_ALGS : CLIENT_AUTH_ALGS },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      ...(fapi && { fapi: { enabled: true, profile: '2.0' } }),
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: fapi },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => DEFAULT_RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource) {
          if (!Object.hasOwn(RESOURCES, resource)) {
            throw new errors.InvalidTarget();
          }
          const alg = RESOURCES[resource];
          return {
            scope: 'api:read api:write',
            audience: resource,
            accessTokenTTL: 600,
            accessTokenFormat: alg ? 'jwt' : 'opaque',
            ...(alg && { jwt: { sign: { alg } } }),
          };
        },
      },
    },
    fetch: loopbackFetch,
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: !fapi,
    jwks: { keys: await Promise.all(algs.map(signingKey)) },
  });
  // The library names no interval, which means five seconds (RFC 8628 section 3.2).
  server.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200) {
      ctx.body.interval = 1;
    }
  });
  for (const place of [
    'authorization', 'grant', 'introspection', 'pushed_authorization_request', 'revocation',
  ]) {
    server.on(`${place}.error`, (ctx, err) => console.error(`refused: ${reasons(err)}`));
  }
  server.on('server_error', (ctx, err) => console.error('server error:', err));
  return server;
}

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node server.mjs CONFIG.json');
  process.exit(2);
}
const config = JSON.parse(await readFile(path, 'utf8'));

// The issuer has the port in its name, so the port comes first.
const http = createServer();
await new Promise((resolve, reject) => {
  http.once('error', reject);
  http.listen(0, '127.0.0.1', resolve);
});
const issuer = `http://127.0.0.1:${http.address().port}`;
const server = await provider(issuer, config);

// A wrong client is otherwise found out about only at its first request.
for (const { client_id } of config.clients) {
  try {
    await server.Client.find(client_id);
  } catch (err) {
    console.error(`client ${client_id}: ${reasons(err)}`);
    process.exit(2);
  }
}

const respond = server.callback();
http.on('request', (req, res) => {
  if (!req.url.startsWith('/interaction/')) {
    return respond(req, res);
  }
  return interaction(server, req, res).catch((err) => {
    console.error('interaction:', err);
    res.writeHead(500).end();
  });
});
stdout.write(`ISSUER ${issuer}\n`);
