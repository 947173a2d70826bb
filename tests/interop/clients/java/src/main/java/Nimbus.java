import static com.nimbusds.jose.JWSAlgorithm.*;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.as.AuthorizationServerMetadata;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationRequest;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationResponse;
import com.nimbusds.oauth2.sdk.device.DeviceCodeGrant;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.Tokens;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;

import java.net.URI;
import java.net.URL;
import java.util.List;

/** Nimbus's OAuth 2.0 and OpenID Connect SDK. */
final class Nimbus {
    private static final Scope SCOPE = new Scope("openid", "api:read");
    private static OIDCProviderMetadata server;
    private static OIDCTokens tokens;

    public static void main(String[] arguments) throws Exception {
        Checks.check(
                "discovery",
                () -> {
                    server = OIDCProviderMetadata.resolve(new Issuer(Checks.ISSUER));
                    return server.getSubjectTypes() + " " + server.getIDTokenJWSAlgs();
                });
        if (server == null) {
            return;
        }
        // RFC 8414 §3.1: before the path of the issuer. The SDK looks behind it, where the status
        // alone reaches the caller.
        Checks.check(
                "discovery as a plain authorization server",
                () -> {
                    var url = URI.create(Checks.ISSUER);
                    var wellKnown =
                            new URL(
                                    url.getScheme()
                                            + "://"
                                            + url.getAuthority()
                                            + "/.well-known/oauth-authorization-server"
                                            + url.getPath());
                    var request = new HTTPRequest(HTTPRequest.Method.GET, wellKnown);
                    return AuthorizationServerMetadata.parse(request.send().getContent())
                            .getTokenEndpointURI()
                            .equals(server.getTokenEndpointURI());
                });
        for (JWSAlgorithm algorithm : List.of(RS256, PS256, ES256)) {
            boolean isRsa = algorithm != ES256;
            JWK key = Checks.jwk(isRsa ? "rsa2048" : "p256");
            Checks.check(
                    algorithm + " client credentials",
                    () -> clientCredentials(client(isRsa ? "rsa" : "ec", algorithm, key)));
        }
        Checks.check("access token at a resource server", Nimbus::resourceServer);
        Checks.check("login with PAR", Nimbus::login);
        if (tokens != null) {
            Checks.check("userinfo", Nimbus::userInfo);
            Checks.check("refresh", Nimbus::refresh);
            Checks.check("introspection", Nimbus::introspect);
            Checks.check("revocation", Nimbus::revoke);
        }
        Checks.check("device", Nimbus::device);
        Checks.check("refusal", Nimbus::refusal);
    }

    private static ClientAuthentication client(String id, JWSAlgorithm algorithm, JWK key)
            throws Exception {
        return new PrivateKeyJWT(
                new ClientID(id),
                server.getTokenEndpointURI(),
                algorithm,
                ((AsymmetricJWK) key).toPrivateKey(),
                key.getKeyID(),
                null);
    }

    private static ClientAuthentication client() throws Exception {
        return client("rsa", RS256, Checks.jwk("rsa2048"));
    }

    private static Tokens sent(TokenRequest request) throws Exception {
        TokenResponse response = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new IllegalStateException(response.toErrorResponse().getErrorObject().toString());
        }
        return response.toSuccessResponse().getTokens();
    }

    private static Object clientCredentials(ClientAuthentication client) throws Exception {
        var request =
                new TokenRequest.Builder(
                                server.getTokenEndpointURI(), client, new ClientCredentialsGrant())
                        .scope(new Scope("api:read"))
                        .build();
        var token = sent(request).getAccessToken();
        return token.getType() + " " + token.getScope() + " " + token.getLifetime();
    }

    /** With the type of RFC 9068; the default is JWT alone, and the algorithm RS256. */
    private static Object resourceServer() throws Exception {
        var request =
                new TokenRequest.Builder(
                                server.getTokenEndpointURI(),
                                client(),
                                new ClientCredentialsGrant())
                        .build();
        var processor = new DefaultJWTProcessor<>();
        processor.setJWSTypeVerifier(
                new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        processor.setJWSKeySelector(
                new JWSVerificationKeySelector<>(
                        RS256, JWKSourceBuilder.create(server.getJWKSetURI().toURL()).build()));
        return processor.process(sent(request).getAccessToken().getValue(), null).getSubject();
    }

    private static Object login() throws Exception {
        var verifier = new CodeVerifier();
        var nonce = new Nonce();
        var request =
                new AuthenticationRequest.Builder(
                                new ResponseType("code"),
                                SCOPE,
                                new ClientID("rsa"),
                                URI.create(Checks.REDIRECT_URI))
                        .endpointURI(server.getAuthorizationEndpointURI())
                        .state(new State())
                        .nonce(nonce)
                        .codeChallenge(verifier, CodeChallengeMethod.S256)
                        .build();
        var pushed =
                PushedAuthorizationResponse.parse(
                        new PushedAuthorizationRequest(
                                        server.getPushedAuthorizationRequestEndpointURI(),
                                        client(),
                                        request)
                                .toHTTPRequest()
                                .send());
        if (!pushed.indicatesSuccess()) {
            throw new IllegalStateException(pushed.toErrorResponse().getErrorObject().toString());
        }
        var front =
                new AuthorizationRequest.Builder(
                                pushed.toSuccessResponse().getRequestURI(), new ClientID("rsa"))
                        .endpointURI(server.getAuthorizationEndpointURI())
                        .build();
        var back =
                AuthenticationResponseParser.parse(Checks.login(front.toURI())).toSuccessResponse();
        var grant =
                new AuthorizationCodeGrant(
                        back.getAuthorizationCode(), URI.create(Checks.REDIRECT_URI), verifier);
        tokens =
                sent(new TokenRequest.Builder(server.getTokenEndpointURI(), client(), grant)
                                .build())
                        .toOIDCTokens();
        var validator =
                new IDTokenValidator(
                        server.getIssuer(),
                        new ClientID("rsa"),
                        RS256,
                        server.getJWKSetURI().toURL());
        return validator.validate(tokens.getIDToken(), nonce).getSubject();
    }

    private static Object userInfo() throws Exception {
        var response =
                UserInfoResponse.parse(
                        new UserInfoRequest(
                                        server.getUserInfoEndpointURI(), tokens.getAccessToken())
                                .toHTTPRequest()
                                .send());
        return response.toSuccessResponse().getUserInfo().getSubject();
    }

    private static Object refresh() throws Exception {
        var old = tokens.getRefreshToken();
        tokens =
                sent(new TokenRequest.Builder(
                                        server.getTokenEndpointURI(),
                                        client(),
                                        new RefreshTokenGrant(old))
                                .build())
                        .toOIDCTokens();
        return !tokens.getRefreshToken().equals(old);
    }

    private static Object introspect() throws Exception {
        var request =
                new TokenIntrospectionRequest(
                        server.getIntrospectionEndpointURI(), client(), tokens.getAccessToken());
        var response =
                TokenIntrospectionResponse.parse(request.toHTTPRequest().send())
                        .toSuccessResponse();
        return response.isActive() + " " + response.getSubject() + " " + response.getScope();
    }

    private static Object revoke() throws Exception {
        return new TokenRevocationRequest(
                        server.getRevocationEndpointURI(), client(), tokens.getRefreshToken())
                .toHTTPRequest()
                .send()
                .getStatusCode();
    }

    private static Object device() throws Exception {
        var request =
                new DeviceAuthorizationRequest.Builder(client())
                        .scope(SCOPE)
                        .endpointURI(server.getDeviceAuthorizationEndpointURI())
                        .build();
        var waiting =
                DeviceAuthorizationResponse.parse(request.toHTTPRequest().send())
                        .toSuccessResponse();
        Checks.approve(waiting.getVerificationURI(), waiting.getUserCode().getValue());
        var tokens =
                sent(
                        new TokenRequest.Builder(
                                        server.getTokenEndpointURI(),
                                        client(),
                                        new DeviceCodeGrant(waiting.getDeviceCode()))
                                .build());
        return tokens.getAccessToken().getType()
                + " "
                + tokens.toOIDCTokens().getIDToken().getJWTClaimsSet().getSubject();
    }

    private static Object refusal() throws Exception {
        var nobody = client("nobody", RS256, Checks.jwk("rsa2048"));
        var response =
                new TokenRequest.Builder(
                                server.getTokenEndpointURI(), nobody, new ClientCredentialsGrant())
                        .build()
                        .toHTTPRequest()
                        .send();
        return response.getStatusCode()
                + " "
                + TokenErrorResponse.parse(response).getErrorObject().getCode();
    }
}
