import com.microsoft.aad.msal4j.*;
import com.nimbusds.oauth2.sdk.pkce.CodeChallenge;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;

import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Set;

import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * MSAL for Java. It takes https alone: the server's certificate is in CA. It makes its endpoints,
 * and the audience for a certificate, of Entra ID's paths; the audience of a callback's assertion
 * is the callback's choice. It asks for the answer of a login as a form that the browser posts.
 */
final class Msal4j {
    public static void main(String[] arguments) throws Exception {
        SSLContext tls = trusting(System.getenv("CA"));
        var credential =
                ClientCredentialFactory.createFromCallback(
                        () -> Checks.assertion("rsa", "rsa2048"));
        var application =
                ConfidentialClientApplication.builder("rsa", credential)
                        .authority(Checks.ISSUER.replaceFirst("/as$", "/"))
                        .instanceDiscovery(false)
                        .sslSocketFactory(tls.getSocketFactory())
                        .build();

        Checks.check(
                "client credentials",
                () -> {
                    var parameters = ClientCredentialParameters.builder(Set.of("api:read")).build();
                    return application.acquireToken(parameters).get().metadata().tokenSource();
                });
        Checks.check(
                "login",
                () -> {
                    var verifier = new CodeVerifier();
                    var challenge =
                            CodeChallenge.compute(CodeChallengeMethod.S256, verifier).getValue();
                    var url =
                            application.getAuthorizationRequestUrl(
                                    AuthorizationRequestUrlParameters.builder(
                                                    Checks.REDIRECT_URI, Set.of("api:read"))
                                            .codeChallengeMethod("S256")
                                            .codeChallenge(challenge)
                                            .build());
                    var back =
                            Checks.posted(
                                    url.toURI(), HttpClient.newBuilder().sslContext(tls).build());
                    var parameters =
                            AuthorizationCodeParameters.builder(
                                            back.get("code"), URI.create(Checks.REDIRECT_URI))
                                    .scopes(Set.of("api:read"))
                                    .codeVerifier(verifier.getValue())
                                    .build();
                    return application.acquireToken(parameters).get().idToken() != null;
                });
    }

    private static SSLContext trusting(String file) throws Exception {
        var store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (var stream = new FileInputStream(file)) {
            store.setCertificateEntry(
                    "server", CertificateFactory.getInstance("X.509").generateCertificate(stream));
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
