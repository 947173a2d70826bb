import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.oauth2.sdk.auth.ClientAuthenticationMethod;

import org.pac4j.core.context.CallContext;
import org.pac4j.core.context.WebContext;
import org.pac4j.core.context.session.SessionStore;
import org.pac4j.core.exception.http.WithLocationAction;
import org.pac4j.oidc.client.OidcClient;
import org.pac4j.oidc.config.OidcConfiguration;
import org.pac4j.oidc.config.PrivateKeyJWTClientAuthnMethodConfig;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** pac4j's OpenID Connect client in a web application that has one session. */
final class Pac4j {
    private static final Map<String, Object> session = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        var key = Checks.jwk("rsa2048");
        var configuration = new OidcConfiguration();
        configuration.setClientId("rsa");
        configuration.setDiscoveryURI(Checks.ISSUER + "/.well-known/openid-configuration");
        configuration.setClientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT);
        configuration.setPrivateKeyJWTClientAuthnMethodConfig(
                new PrivateKeyJWTClientAuthnMethodConfig(
                        JWSAlgorithm.RS256, key.toRSAKey().toPrivateKey(), key.getKeyID()));
        var client = new OidcClient(configuration);
        client.setCallbackUrl(Checks.REDIRECT_URI);

        var redirect = new URI[1];
        Checks.check(
                "redirect to the server",
                () -> {
                    client.init();
                    var action =
                            (WithLocationAction)
                                    client.getRedirectionAction(
                                                    new CallContext(web(Map.of()), store()))
                                            .orElseThrow();
                    redirect[0] = URI.create(action.getLocation());
                    return redirect[0].getPath().endsWith("/authorize");
                });
        if (redirect[0] != null) {
            Checks.check(
                    "login",
                    () -> {
                        var context =
                                new CallContext(
                                        web(Checks.query(Checks.login(redirect[0]))), store());
                        var credentials =
                                client.validateCredentials(
                                                context,
                                                client.getCredentials(context).orElseThrow())
                                        .orElseThrow();
                        var profile = client.getUserProfile(context, credentials).orElseThrow();
                        return profile.getId()
                                + " "
                                + profile.getAttribute("iss").equals(Checks.ISSUER);
                    });
        }
    }

    private static SessionStore store() {
        return (SessionStore)
                Proxy.newProxyInstance(
                        Pac4j.class.getClassLoader(),
                        new Class<?>[] {SessionStore.class},
                        (proxy, method, values) ->
                                switch (method.getName()) {
                                    case "get" -> Optional.ofNullable(session.get(values[1]));
                                    case "set" -> session.put((String) values[1], values[2]);
                                    case "getSessionId" -> Optional.of("session-1");
                                    default ->
                                            InvocationHandler.invokeDefault(proxy, method, values);
                                });
    }

    private static WebContext web(Map<String, String> parameters) {
        Map<String, Object> attributes = new HashMap<>();
        return (WebContext)
                Proxy.newProxyInstance(
                        Pac4j.class.getClassLoader(),
                        new Class<?>[] {WebContext.class},
                        (proxy, method, values) ->
                                switch (method.getName()) {
                                    case "getRequestParameter" ->
                                            Optional.ofNullable(parameters.get(values[0]));
                                    case "getRequestParameters" -> {
                                        Map<String, String[]> all = new HashMap<>();
                                        parameters.forEach(
                                                (name, value) ->
                                                        all.put(name, new String[] {value}));
                                        yield all;
                                    }
                                    case "getRequestAttribute" ->
                                            Optional.ofNullable(attributes.get(values[0]));
                                    case "setRequestAttribute" ->
                                            attributes.put((String) values[0], values[1]);
                                    case "getRequestHeader" -> Optional.empty();
                                    case "getRequestMethod" -> "GET";
                                    case "getFullRequestURL" -> Checks.REDIRECT_URI;
                                    case "getScheme" -> "http";
                                    case "getServerName" -> "127.0.0.1";
                                    case "getServerPort" -> 80;
                                    default ->
                                            InvocationHandler.invokeDefault(proxy, method, values);
                                });
    }
}
