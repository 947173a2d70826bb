import com.nimbusds.jose.jwk.JWK;

import org.springframework.security.crypto.keygen.Base64StringKeyGenerator;
import org.springframework.security.oauth2.client.AuthorizedClientServiceOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.InMemoryOAuth2AuthorizedClientService;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.authentication.OAuth2LoginAuthenticationToken;
import org.springframework.security.oauth2.client.endpoint.*;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.registration.InMemoryClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationExchange;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationResponse;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

import java.net.URI;
import java.util.Map;

/** Spring Security's client, found by `issuer-uri`, and its resource server for RFC 9068. */
final class Spring {
    private static ClientRegistration.Builder found;
    private static String accessToken;
    private static OAuth2LoginAuthenticationToken loggedIn;

    public static void main(String[] arguments) throws Exception {
        Checks.check(
                "discovery",
                () -> {
                    found = ClientRegistrations.fromIssuerLocation(Checks.ISSUER);
                    return true;
                });
        if (found == null) {
            return;
        }
        for (String id : new String[] {"rsa", "ec"}) {
            JWK key = Checks.jwk(id.equals("rsa") ? "rsa2048" : "p256");
            Checks.check(id + " client credentials", () -> clientCredentials(id, key));
        }
        Checks.check(
                "access token by RFC 9068",
                () -> {
                    var decoder =
                            NimbusJwtDecoder.withIssuerLocation(Checks.ISSUER)
                                    .validateType(false)
                                    .build();
                    decoder.setJwtValidator(
                            JwtValidators.createAtJwtValidator()
                                    .issuer(Checks.ISSUER)
                                    .audience("https://api.example")
                                    .clientId("ec")
                                    .build());
                    return decoder.decode(accessToken).getSubject();
                });
        Checks.check("login", Spring::login);
        Checks.check("refresh", Spring::refresh);
        Checks.check(
                "refusal",
                () -> {
                    try {
                        return clientCredentials("nobody", Checks.jwk("rsa2048"));
                    } catch (
                            org.springframework.security.oauth2.core.OAuth2AuthorizationException
                                    refused) {
                        return refused.getError().getErrorCode();
                    }
                });
    }

    private static ClientRegistration registration(String id, AuthorizationGrantType grant) {
        return found.registrationId(id)
                .clientId(id)
                .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
                .authorizationGrantType(grant)
                .redirectUri(Checks.REDIRECT_URI)
                .scope("openid", "api:read")
                .build();
    }

    private static Object clientCredentials(String id, JWK key) {
        var registrations =
                new InMemoryClientRegistrationRepository(
                        registration(id, AuthorizationGrantType.CLIENT_CREDENTIALS));
        var manager =
                new AuthorizedClientServiceOAuth2AuthorizedClientManager(
                        registrations, new InMemoryOAuth2AuthorizedClientService(registrations));
        var responses = new RestClientClientCredentialsTokenResponseClient();
        responses.addParametersConverter(
                new NimbusJwtClientAuthenticationParametersConverter<>(registration -> key));
        manager.setAuthorizedClientProvider(
                OAuth2AuthorizedClientProviderBuilder.builder()
                        .clientCredentials(it -> it.accessTokenResponseClient(responses))
                        .build());
        var token =
                manager.authorize(
                                OAuth2AuthorizeRequest.withClientRegistrationId(id)
                                        .principal("machine")
                                        .build())
                        .getAccessToken();
        accessToken = token.getTokenValue();
        return token.getTokenType().getValue()
                + " "
                + String.join(" ", new java.util.TreeSet<>(token.getScopes()));
    }

    /** As the filters of a web application do it. */
    private static Object login() throws Exception {
        JWK key = Checks.jwk("rsa2048");
        var registration = registration("rsa", AuthorizationGrantType.AUTHORIZATION_CODE);
        var nonce =
                new Base64StringKeyGenerator(java.util.Base64.getUrlEncoder().withoutPadding(), 96)
                        .generateKey();
        var hash =
                java.util.Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(
                                java.security.MessageDigest.getInstance("SHA-256")
                                        .digest(nonce.getBytes()));
        var builder =
                OAuth2AuthorizationRequest.authorizationCode()
                        .clientId("rsa")
                        .authorizationUri(registration.getProviderDetails().getAuthorizationUri())
                        .redirectUri(Checks.REDIRECT_URI)
                        .scopes(registration.getScopes())
                        .state("state-1=")
                        .attributes(it -> it.put("nonce", nonce))
                        .additionalParameters(it -> it.put("nonce", hash));
        OAuth2AuthorizationRequestCustomizers.withPkce().accept(builder);
        var request = builder.build();
        Map<String, String> back =
                Checks.query(Checks.login(URI.create(request.getAuthorizationRequestUri())));
        var response =
                OAuth2AuthorizationResponse.success(back.get("code"))
                        .redirectUri(Checks.REDIRECT_URI)
                        .state(back.get("state"))
                        .build();
        var responses = new RestClientAuthorizationCodeTokenResponseClient();
        responses.addParametersConverter(
                new NimbusJwtClientAuthenticationParametersConverter<>(it -> key));
        var provider =
                new OidcAuthorizationCodeAuthenticationProvider(responses, new OidcUserService());
        loggedIn =
                (OAuth2LoginAuthenticationToken)
                        provider.authenticate(
                                new OAuth2LoginAuthenticationToken(
                                        registration,
                                        new OAuth2AuthorizationExchange(request, response)));
        return loggedIn.getPrincipal().getName()
                + " "
                + loggedIn.getAuthorities().stream().map(Object::toString).sorted().toList();
    }

    private static Object refresh() throws Exception {
        JWK key = Checks.jwk("rsa2048");
        var responses = new RestClientRefreshTokenTokenResponseClient();
        responses.addParametersConverter(
                new NimbusJwtClientAuthenticationParametersConverter<>(it -> key));
        var request =
                new OAuth2RefreshTokenGrantRequest(
                        loggedIn.getClientRegistration(),
                        loggedIn.getAccessToken(),
                        loggedIn.getRefreshToken());
        var response = responses.getTokenResponse(request);
        return response.getAccessToken().getTokenType().getValue()
                + " "
                + !response.getRefreshToken()
                        .getTokenValue()
                        .equals(loggedIn.getRefreshToken().getTokenValue());
    }
}
