import io.vertx.core.Future;
import io.vertx.ext.auth.JWTOptions;
import io.vertx.ext.auth.authentication.TokenCredentials;
import io.vertx.ext.auth.oauth2.OAuth2FlowType;
import io.vertx.ext.auth.oauth2.OAuth2Options;
import io.vertx.ext.auth.oauth2.Oauth2Credentials;
import io.vertx.ext.auth.oauth2.providers.OpenIDConnectAuth;

import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The OAuth 2.0 client of Vert.x, with an assertion that is signed elsewhere, and its resource
 * server.
 */
final class Vertx {
    private static String token;

    public static void main(String[] arguments) {
        var vertx = io.vertx.core.Vertx.vertx();
        Checks.check(
                "client credentials",
                () -> {
                    // A client id would keep it from sending the assertion, whose `sub` says as
                    // much.
                    var options =
                            new OAuth2Options()
                                    .setSite(Checks.ISSUER)
                                    .setClientAssertionType(
                                            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                                    .setClientAssertion(Checks.assertion("rsa", "rsa2048"));
                    var credentials =
                            new Oauth2Credentials()
                                    .setFlow(OAuth2FlowType.CLIENT)
                                    .setScopes(List.of("api:read"));
                    var user =
                            wait(
                                    wait(OpenIDConnectAuth.discover(vertx, options))
                                            .authenticate(credentials));
                    token = user.principal().getString("access_token");
                    return user.principal().getString("scope");
                });
        Checks.check(
                "access token at a resource server",
                () -> {
                    var options =
                            new OAuth2Options()
                                    .setClientId("api")
                                    .setSite(Checks.ISSUER)
                                    .setJWTOptions(
                                            new JWTOptions()
                                                    .setAudience(List.of("https://api.example")));
                    var server = wait(OpenIDConnectAuth.discover(vertx, options));
                    return wait(server.authenticate(new TokenCredentials(token)))
                            .attributes()
                            .getJsonObject("accessToken")
                            .getString("sub");
                });
        vertx.close();
    }

    private static <T> T wait(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
}
