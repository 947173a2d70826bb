// openid-client, as its README has it, with one kind of key after the other.
import * as client from 'openid-client';
import { calculateJwkThumbprint, exportJWK, importPKCS8 } from 'jose';
import { approve, check, issuer, login, pem, redirectUri } from './checks.mjs';

const keys = [
  ['rsa', 'rsa2048.pkcs8', 'RS256'],
  ['rsa', 'rsa2048.pkcs8', 'PS256'],
  ['ec', 'p256.pkcs8', 'ES256'],
  ['ed', 'ed25519.pkcs8', 'Ed25519'],
];

for (const [id, file, alg] of keys) {
  const key = await importPKCS8(await pem(file), alg, { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(key));
  let config;
  await check(`${alg} discovery`, async () => {
    config = await client.discovery(new URL(issuer), id, undefined, client.PrivateKeyJwt({ key, kid }), {
      execute: [client.allowInsecureRequests],
    });
    return config.serverMetadata().token_endpoint.replace(issuer, '');
  });
  if (!config) continue;

  await check(`${alg} client credentials`, async () => {
    const response = await client.clientCredentialsGrant(config, { scope: 'api:read' });
    return `${response.token_type} ${response.scope} ${response.expires_in}`;
  });

  for (const [kind, build] of [
    ['login', client.buildAuthorizationUrl],
    ['login with PAR', client.buildAuthorizationUrlWithPAR],
  ]) {
    let tokens;
    await check(`${alg} ${kind}`, async () => {
      const pkceCodeVerifier = client.randomPKCECodeVerifier();
      const expectedState = client.randomState();
      const expectedNonce = client.randomNonce();
      const url = await build(config, {
        redirect_uri: redirectUri,
        scope: 'openid api:read',
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
        state: expectedState,
        nonce: expectedNonce,
      });
      const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, maxAge: 300 };
      tokens = await client.authorizationCodeGrant(config, await login(url), checks);
      const { iss, sub, aud } = tokens.claims();
      return `${iss === issuer} ${sub} ${aud}`;
    });
    if (!tokens) continue;
    await check(`${alg} ${kind}: userinfo`, async () => {
      const { sub } = await client.fetchUserInfo(config, tokens.access_token, 'user-1');
      return sub;
    });
    await check(`${alg} ${kind}: refresh`, async () => {
      const before = tokens.refresh_token;
      tokens = await client.refreshTokenGrant(config, before);
      return `${tokens.token_type} ${tokens.refresh_token !== before}`;
    });
    await check(`${alg} ${kind}: introspection`, async () => {
      const { active, sub, client_id } = await client.tokenIntrospection(config, tokens.access_token);
      return `${active} ${sub} ${client_id}`;
    });
    await check(`${alg} ${kind}: revocation`, async () => {
      await client.tokenRevocation(config, tokens.refresh_token);
      return (await client.tokenIntrospection(config, tokens.access_token)).active;
    });
  }
  if (alg !== 'RS256') continue;

  await check(`${alg} device`, async () => {
    const waiting = await client.initiateDeviceAuthorization(config, { scope: 'openid api:read' });
    await approve(waiting);
    const tokens = await client.pollDeviceAuthorizationGrant(config, waiting);
    return `${tokens.token_type} ${tokens.claims().sub}`;
  });
  await check(`${alg} refusal`, async () => {
    const wrong = await client.discovery(new URL(issuer), 'nobody', undefined, client.PrivateKeyJwt(key), {
      execute: [client.allowInsecureRequests],
    });
    try {
      await client.clientCredentialsGrant(wrong);
      return 'not refused';
    } catch (error) {
      return `${error.status} ${error.error}`;
    }
  });
}
