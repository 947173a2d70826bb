// oauth4webapi, one request and one check of the answer after the other.
import * as oauth from 'oauth4webapi';
import { importPKCS8 } from 'jose';
import { approve, check, issuer, login, pem, redirectUri } from './checks.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'ec', id_token_signed_response_alg: 'RS256' };
const auth = oauth.PrivateKeyJwt(await importPKCS8(await pem('p256.pkcs8'), 'ES256'));

let as;
for (const algorithm of ['oidc', 'oauth2']) {
  await check(`discovery as ${algorithm}`, async () => {
    const response = await oauth.discoveryRequest(new URL(issuer), { algorithm, ...insecure });
    as = await oauth.processDiscoveryResponse(new URL(issuer), response);
    return /openid-configuration|oauth-authorization-server/.exec(response.url)[0];
  });
}

await check('client credentials', async () => {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'api:read' }, insecure);
  const { token_type, scope } = await oauth.processClientCredentialsResponse(as, client, response);
  return `${token_type} ${scope}`;
});

await check('access token at a resource server', async () => {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: 'api:read' }, insecure);
  const { access_token } = await oauth.processClientCredentialsResponse(as, client, response);
  const request = new Request('https://api.example/', { headers: { authorization: `Bearer ${access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, 'https://api.example', insecure);
  return `${claims.sub} ${claims.scope}`;
});

let tokens;
await check('login with PAR', async () => {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const pushed = await oauth.pushedAuthorizationRequest(as, client, auth, {
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid api:read',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }, insecure);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed);
  const url = new URL(as.authorization_endpoint);
  url.searchParams.set('client_id', client.client_id);
  url.searchParams.set('request_uri', request_uri);
  const parameters = oauth.validateAuthResponse(as, client, await login(url), state);
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, auth, parameters, redirectUri, verifier, insecure,
  );
  tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce, requireIdToken: true, maxAge: 300,
  });
  return `${oauth.getValidatedIdTokenClaims(tokens).sub} ${tokens.scope}`;
});

await check('the signature of the ID token', async () => {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, insecure);
  tokens = await oauth.processRefreshTokenResponse(as, client, response);
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  return oauth.getValidatedIdTokenClaims(tokens).sub;
});

await check('userinfo', async () => {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
  return (await oauth.processUserInfoResponse(as, client, 'user-1', response)).sub;
});

await check('introspection', async () => {
  const response = await oauth.introspectionRequest(as, client, auth, tokens.access_token, insecure);
  const { active, sub } = await oauth.processIntrospectionResponse(as, client, response);
  return `${active} ${sub}`;
});

await check('revocation', async () => {
  const revoked = await oauth.revocationRequest(as, client, auth, tokens.refresh_token, insecure);
  await oauth.processRevocationResponse(revoked);
  const response = await oauth.introspectionRequest(as, client, auth, tokens.refresh_token, insecure);
  return (await oauth.processIntrospectionResponse(as, client, response)).active;
});

await check('device', async () => {
  const started = await oauth.deviceAuthorizationRequest(as, client, auth, { scope: 'openid' }, insecure);
  const waiting = await oauth.processDeviceAuthorizationResponse(as, client, started);
  await approve(waiting);
  const response = await oauth.deviceCodeGrantRequest(as, client, auth, waiting.device_code, insecure);
  const { token_type } = await oauth.processDeviceCodeResponse(as, client, response);
  return token_type;
});

await check('refusal', async () => {
  const nobody = { client_id: 'nobody' };
  const response = await oauth.clientCredentialsGrantRequest(as, nobody, auth, {}, insecure);
  try {
    await oauth.processClientCredentialsResponse(as, nobody, response);
    return 'not refused';
  } catch (error) {
    return `${error.status} ${error.error}`;
  }
});
