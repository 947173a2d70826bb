// Verifies a client assertion with jose.
//
// Reads from stdin
//
//     { "jwt": "...", "jwks": { "keys": [...] }, "issuer": "...",
//       "audience": "...", "typ": "client-authentication+jwt" }
//
// and prints `OK <alg>`, or `FAIL <code> <message>` with exit status 1.

import { text } from 'node:stream/consumers';

import { createLocalJWKSet, jwtVerify } from 'jose';

const ALGS = [
  'RS256', 'RS384', 'RS512',
  'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512',
  'EdDSA', 'Ed25519',
];

try {
  const input = JSON.parse(await text(process.stdin));
  // jose leaves out the check of an option that is undefined.
  for (const name of ['jwt', 'issuer', 'audience', 'typ']) {
    if (typeof input[name] !== 'string' || input[name] === '') {
      throw new TypeError(`the input has no ${name}`);
    }
  }
  const { protectedHeader } = await jwtVerify(input.jwt, createLocalJWKSet(input.jwks), {
    algorithms: ALGS,
    issuer: input.issuer,
    audience: input.audience,
    typ: input.typ,
    requiredClaims: ['iss', 'sub', 'aud', 'jti', 'exp'],
  });
  console.log(`OK ${protectedHeader.alg}`);
} catch (err) {
  console.log(`FAIL ${err.code ?? err.name} ${err.message.replaceAll('\n', ' ')}`);
  process.exitCode = 1;
}
