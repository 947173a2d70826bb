import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;

import org.springframework.security.oauth2.jwt.JwtDecoders;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;

/** Resource servers with their defaults: RS256 and the `typ` JWT. */
final class Resource {
    public static void main(String[] arguments) throws Exception {
        String form =
                "grant_type=client_credentials&client_assertion_type="
                        + URLEncoder.encode(
                                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                                StandardCharsets.UTF_8)
                        + "&client_assertion="
                        + Checks.assertion("rsa", "rsa2048");
        var request =
                HttpRequest.newBuilder(URI.create(Checks.ISSUER + "/token"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build();
        var response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        String token =
                JSONObjectUtils.getString(JSONObjectUtils.parse(response.body()), "access_token");

        Checks.check(
                "Spring by issuer-uri",
                () -> JwtDecoders.fromIssuerLocation(Checks.ISSUER).decode(token).getSubject());
        Checks.check(
                "Nimbus",
                () -> {
                    var processor = new DefaultJWTProcessor<>();
                    processor.setJWSKeySelector(
                            new JWSVerificationKeySelector<>(
                                    JWSAlgorithm.RS256,
                                    JWKSourceBuilder.create(
                                                    URI.create(Checks.ISSUER + "/jwks").toURL())
                                            .build()));
                    return processor.process(token, null).getSubject();
                });
    }
}
