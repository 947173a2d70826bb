// A real authorization server, oidc-provider, for the interop tests.
//
//     node server.mjs CONFIG.json
//
// CONFIG.json:
//
//     { "clients": [
//         { "client_id": "...", "jwks": { "keys": [...] } },
//         { "client_id": "...", "jwks_uri": "http://127.0.0.1:NNNN/jwks.json",
//           "token_endpoint_auth_signing_alg": "ES256" } ] }
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

// The resources a token can be asked for, and the form of their tokens. The first
// one is the default.
const RESOURCES = {
  'urn:example:api': 'jwt',
  'urn:example:opaque': 'opaque',
};
const DEFAULT_RESOURCE = Object.keys(RESOURCES)[0];

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
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
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

async function provider(issuer, clients) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const server = new Provider(issuer, {
    clients: clients.map(client),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: CLIENT_AUTH_ALGS },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => DEFAULT_RESOURCE,
        getResourceServerInfo(ctx, resource) {
          if (!Object.hasOwn(RESOURCES, resource)) {
            throw new errors.InvalidTarget();
          }
          const accessTokenFormat = RESOURCES[resource];
          return {
            scope: 'api:read api:write',
            audience: resource,
            accessTokenTTL: 600,
            accessTokenFormat,
            ...(accessTokenFormat === 'jwt' && { jwt: { sign: { alg: 'RS256' } } }),
          };
        },
      },
    },
    fetch: loopbackFetch,
    jwks: {
      keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'provider' }],
    },
  });
  server.on('grant.error', (ctx, err) => console.error(`refused: ${reasons(err)}`));
  server.on('server_error', (ctx, err) => console.error('server error:', err));
  return server;
}

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node server.mjs CONFIG.json');
  process.exit(2);
}
const { clients } = JSON.parse(await readFile(path, 'utf8'));

// The issuer has the port in its name, so the port comes first.
const http = createServer();
await new Promise((resolve, reject) => {
  http.once('error', reject);
  http.listen(0, '127.0.0.1', resolve);
});
const issuer = `http://127.0.0.1:${http.address().port}`;
const server = await provider(issuer, clients);

// A wrong client is otherwise found out about only at its first request.
for (const { client_id } of clients) {
  try {
    await server.Client.find(client_id);
  } catch (err) {
    console.error(`client ${client_id}: ${reasons(err)}`);
    process.exit(2);
  }
}

http.on('request', server.callback());
stdout.write(`ISSUER ${issuer}\n`);
