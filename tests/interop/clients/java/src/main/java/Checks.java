import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the clients share: where the server and the keys are, a browser, and a line for each check.
 */
final class Checks {
    static final String ISSUER = System.getenv("ISSUER");
    static final String REDIRECT_URI = "http://127.0.0.1/callback";

    private Checks() {}

    /** Prints the check and what it brought, or why it failed; the next check runs all the same. */
    static void check(String name, Callable<?> run) {
        try {
            System.out.println(name + ": " + run.call());
        } catch (Throwable error) {
            StringBuilder text = new StringBuilder();
            for (Throwable it = error; it != null; it = it.getCause()) {
                text.append("; ")
                        .append(it.getClass().getSimpleName())
                        .append(' ')
                        .append(it.getMessage());
            }
            String line = text.substring(2).replace('\n', ' ');
            System.out.println(
                    name + ": FAILED " + line.substring(0, Math.min(400, line.length())));
        }
    }

    static Path file(String name) {
        return Path.of(System.getenv("KEYS"), name + ".pem");
    }

    static String pem(String name) throws Exception {
        return Files.readString(file(name));
    }

    /** A private key of the test data, named by its thumbprint. */
    static JWK jwk(String name) throws Exception {
        byte[] der =
                Base64.getMimeDecoder()
                        .decode(pem(name + ".pkcs8").replaceAll("-----[^-]+-----", ""));
        JWK certified = JWK.parse(certificate(name));
        boolean isRsa = certified instanceof RSAKey;
        PrivateKey key =
                KeyFactory.getInstance(isRsa ? "RSA" : "EC")
                        .generatePrivate(new PKCS8EncodedKeySpec(der));
        if (isRsa) {
            return new RSAKey.Builder(certified.toRSAKey().toRSAPublicKey())
                    .privateKey(key)
                    .keyIDFromThumbprint()
                    .build();
        }
        var ec = certified.toECKey();
        return new ECKey.Builder(ec.getCurve(), ec.toECPublicKey())
                .privateKey(key)
                .keyIDFromThumbprint()
                .build();
    }

    static X509Certificate certificate(String name) throws Exception {
        var factory = CertificateFactory.getInstance("X.509");
        return (X509Certificate)
                factory.generateCertificate(
                        new ByteArrayInputStream(Files.readAllBytes(file(name + ".cert"))));
    }

    /** An assertion by Nimbus, for the libraries that sign none. */
    static String assertion(String clientId, String key) throws Exception {
        var signer = jwk(key).toRSAKey();
        var now = new Date();
        var assertion =
                new SignedJWT(
                        new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(signer.getKeyID()).build(),
                        new JWTClaimsSet.Builder()
                                .issuer(clientId)
                                .subject(clientId)
                                .audience(ISSUER)
                                .jwtID(UUID.randomUUID().toString())
                                .issueTime(now)
                                .expirationTime(new Date(now.getTime() + 60_000))
                                .build());
        assertion.sign(new RSASSASigner(signer));
        return assertion.serialize();
    }

    /**
     * Opens the authorization endpoint; the server has been told who the user is and redirects at
     * once.
     */
    static URI login(URI uri) throws Exception {
        var response =
                HttpClient.newHttpClient()
                        .send(
                                HttpRequest.newBuilder(uri).build(),
                                HttpResponse.BodyHandlers.ofString());
        return URI.create(
                response.headers()
                        .firstValue("location")
                        .orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                "no redirect: "
                                                        + response.statusCode()
                                                        + " "
                                                        + response.body())));
    }

    /**
     * The same where the answer is a form that the browser posts (OAuth 2.0 Form Post Response
     * Mode).
     */
    static Map<String, String> posted(URI uri, HttpClient http) throws Exception {
        var response =
                http.send(
                        HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        var fields = new TreeMap<String, String>();
        var field =
                Pattern.compile("<input[^>]* name=\"([^\"]*)\"[^>]* value=\"([^\"]*)\"")
                        .matcher(response.body());
        while (field.find()) {
            fields.put(field.group(1), field.group(2));
        }
        if (!response.body().contains("action=\"" + REDIRECT_URI + "\"")) {
            throw new IllegalStateException(
                    "no form: " + response.statusCode() + " " + response.body());
        }
        return fields;
    }

    static Map<String, String> query(URI uri) {
        return Arrays.stream(uri.getRawQuery().split("&"))
                .map(pair -> pair.split("=", 2))
                .collect(
                        Collectors.toMap(
                                pair -> pair[0],
                                pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8),
                                (a, b) -> b,
                                TreeMap::new));
    }

    /** Says yes to a device, as a user would at the page. */
    static void approve(URI verificationUri, String userCode) throws Exception {
        String form =
                "decision=approve&subject=user-1&user_code="
                        + URLEncoder.encode(userCode, StandardCharsets.UTF_8);
        var request =
                HttpRequest.newBuilder(verificationUri)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build();
        var response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException("not approved: " + response.statusCode());
        }
    }
}
