import io.quarkus.oidc.client.OidcClient;
import io.quarkus.oidc.client.OidcClientException;
import io.quarkus.oidc.client.OidcClients;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.quarkus.vertx.http.HttpServer;
import io.smallrye.mutiny.Uni;

import jakarta.inject.Inject;

import java.net.CookieManager;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * Quarkus's clients (quarkus-oidc-client), its resource servers and its web applications
 * (quarkus-oidc), set up in application.properties. One application is all of them and calls itself.
 */
@QuarkusMain
public class Quarkus implements QuarkusApplication {
    @Inject OidcClient client;
    @Inject OidcClients clients;
    @Inject HttpServer server;

    @Override
    public int run(String... arguments) throws Exception {
        check("client credentials with a key file", () -> token(client));
        check("client credentials with a key store", () -> token(clients.getClient("key-store")));
        check("client credentials with ES256", () -> token(clients.getClient("es256")));
        check("refusal", this::refusal);

        String token = wait(client.getTokens()).getAccessToken();
        check("access token", () -> call("api", token));
        check("access token for an audience", () -> call("audience", token));
        check("access token for another audience", () -> call("elsewhere", token));
        check("access token without the scope", () -> call("write", token));
        check("introspection", () -> call("introspection", token));
        check("revocation", () -> wait(client.revokeAccessToken(token)));
        check("introspection after it", () -> call("introspection", token));

        check("login", () -> browse("login"));
        check("login without PKCE", () -> browse("no-pkce"));
        return 0;
    }

    private static String token(OidcClient client) {
        var tokens = wait(client.getTokens());
        return tokens.get("token_type") + " " + tokens.get("scope") + " " + tokens.get("expires_in");
    }

    private String refusal() {
        try {
            return token(clients.getClient("unknown"));
        } catch (OidcClientException refused) {
            var text = refused.getMessage();
            boolean hasReason =
                    text.contains("invalid_client")
                            && text.contains("client `unknown` is not registered");
            return hasReason ? "refused with its reason" : text;
        }
    }

    /** With the token in the header. */
    private String call(String path, String token) throws Exception {
        return answer(
                HttpClient.newHttpClient(),
                HttpRequest.newBuilder(server.getLocalBaseUri().resolve("/" + path))
                        .header("Authorization", "Bearer " + token));
    }

    /** As a browser does; the server has been told who the user is. */
    private String browse(String path) throws Exception {
        return answer(
                HttpClient.newBuilder()
                        .cookieHandler(new CookieManager())
                        .followRedirects(HttpClient.Redirect.NORMAL)
                        .build(),
                HttpRequest.newBuilder(server.getLocalBaseUri().resolve("/" + path)));
    }

    /** The status and the page or, in the address of the page, why there is none. */
    private static String answer(HttpClient http, HttpRequest.Builder request) throws Exception {
        var response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        var text = response.statusCode() + " " + response.body();
        var query = response.uri().getRawQuery();
        if (query != null) {
            for (String pair : query.split("&")) {
                if (pair.startsWith("error_description=")) {
                    text += URLDecoder.decode(pair.split("=")[1], StandardCharsets.UTF_8);
                }
            }
        }
        return text.trim();
    }

    private static <T> T wait(Uni<T> uni) {
        return uni.await().atMost(Duration.ofSeconds(30));
    }

    /** Prints the check and what it brought, or why it failed; the next check runs all the same. */
    private static void check(String name, Callable<?> run) {
        try {
            System.out.println(name + ": " + run.call());
        } catch (Exception error) {
            var text = error.getClass().getSimpleName() + " " + error.getMessage();
            System.out.println(name + ": FAILED " + text.replace('\n', ' '));
        }
    }
}
