// MSAL for Node, with a certificate: PS256, x5t#S256, one assertion for ten minutes. It takes https alone;
// NODE_EXTRA_CA_CERTS has the server's certificate.
import { createHash, X509Certificate } from 'node:crypto';
import { ConfidentialClientApplication, CryptoProvider, ProtocolMode } from '@azure/msal-node';
import { check, issuer, login, pem, redirectUri } from './checks.mjs';

const certificate = await pem('rsa2048.cert');
const thumbprintSha256 = createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
const privateKey = await pem('rsa2048.pkcs8');

for (const [name, clientCertificate] of [
  ['x5t#S256', { thumbprintSha256, privateKey }],
  ['x5t#S256 and x5c', { thumbprintSha256, privateKey, x5c: certificate }],
]) {
  const application = new ConfidentialClientApplication({
    auth: {
      clientId: 'certificate', authority: issuer, knownAuthorities: [new URL(issuer).host], clientCertificate,
    },
    system: { protocolMode: ProtocolMode.OIDC },
  });

  await check(`${name} client credentials`, async () => {
    const { tokenType, scopes, fromCache } = await application.acquireTokenByClientCredential({ scopes: ['api:read'] });
    return `${tokenType} ${scopes} ${fromCache}`;
  });

  await check(`${name} client credentials from the cache`, async () => {
    const { fromCache } = await application.acquireTokenByClientCredential({ scopes: ['api:read'] });
    return fromCache;
  });

  await check(`${name} login`, async () => {
    const crypto = new CryptoProvider();
    const { verifier, challenge } = await crypto.generatePkceCodes();
    const nonce = crypto.createNewGuid();
    const url = await application.getAuthCodeUrl({
      scopes: ['api:read'], redirectUri, codeChallenge: challenge, codeChallengeMethod: 'S256', nonce,
    });
    const code = (await login(url)).searchParams.get('code');
    const request = { code, scopes: ['api:read'], redirectUri, codeVerifier: verifier, nonce };
    const { tokenType, idTokenClaims } = await application.acquireTokenByCode(request);
    return `${tokenType} ${idTokenClaims.sub}`;
  });
}
