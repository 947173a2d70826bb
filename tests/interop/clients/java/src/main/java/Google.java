import com.google.auth.oauth2.ServiceAccountCredentials;

import java.net.URI;
import java.util.List;

/**
 * Google's service account: an assertion as the grant (RFC 7523 §2.1), and no client. The reason of
 * the refusal arrives.
 */
final class Google {
    public static void main(String[] arguments) {
        Checks.check(
                "service account",
                () -> {
                    var account =
                            ServiceAccountCredentials.newBuilder()
                                    .setClientEmail("rsa")
                                    .setPrivateKeyId("key-1")
                                    .setPrivateKey(Checks.jwk("rsa2048").toRSAKey().toPrivateKey())
                                    .setTokenServerUri(URI.create(Checks.ISSUER + "/token"))
                                    .setScopes(List.of("api:read"))
                                    .build();
                    try {
                        return account.refreshAccessToken().getScopes();
                    } catch (java.io.IOException refused) {
                        String text = refused.getMessage() + " " + refused.getCause();
                        return text.contains("invalid_client") ? "refused with its reason" : text;
                    }
                });
    }
}
