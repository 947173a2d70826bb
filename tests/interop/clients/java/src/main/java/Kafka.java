import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;

/**
 * Kafka's login with a client assertion: what a producer or a consumer does before it connects. By
 * default the assertion has no `jti`.
 */
final class Kafka {
    public static void main(String[] arguments) {
        String token = Checks.ISSUER + "/token";
        System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", token);
        System.setProperty(
                "org.apache.kafka.sasl.oauthbearer.allowed.files",
                Checks.file("rsa2048.pkcs8") + "," + Checks.file("p256.pkcs8"));
        for (var it : new String[][] {{"rsa", "rsa2048", "RS256"}, {"ec", "p256", "ES256"}}) {
            Map<String, Object> configuration =
                    Map.of(
                            "sasl.oauthbearer.jwt.retriever.class",
                            "org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever",
                            "sasl.oauthbearer.token.endpoint.url",
                            token,
                            "sasl.oauthbearer.scope",
                            "api:read",
                            "sasl.oauthbearer.client.credentials.client.id",
                            it[0],
                            "sasl.oauthbearer.assertion.private.key.file",
                            Checks.file(it[1] + ".pkcs8").toString(),
                            "sasl.oauthbearer.assertion.algorithm",
                            it[2],
                            "sasl.oauthbearer.assertion.claim.iss",
                            it[0],
                            "sasl.oauthbearer.assertion.claim.sub",
                            it[0],
                            "sasl.oauthbearer.assertion.claim.aud",
                            Checks.ISSUER);
            Checks.check(
                    it[2],
                    () -> {
                        try {
                            return tokenOf(configuration);
                        } catch (Exception refused) {
                            String text = String.valueOf(refused.getMessage());
                            return text.contains("invalid_client") && text.contains("`jti`")
                                    ? "refused with its reason"
                                    : text;
                        }
                    });
        }
    }

    private static Object tokenOf(Map<String, Object> changed) throws Exception {
        Map<String, ?> configuration =
                new org.apache.kafka.clients.consumer.ConsumerConfig(consumer(changed)).values();
        var login = new OAuthBearerLoginCallbackHandler();
        var entry =
                new AppConfigurationEntry(
                        OAuthBearerLoginModule.class.getName(),
                        AppConfigurationEntry.LoginModuleControlFlag.REQUIRED,
                        Map.of());
        try {
            login.configure(configuration, "OAUTHBEARER", List.of(entry));
            var callback = new OAuthBearerTokenCallback();
            login.handle(new Callback[] {callback});
            if (callback.token() == null) {
                return "refused: " + callback.errorCode() + " " + callback.errorDescription();
            }
            return callback.token().principalName() + " " + callback.token().scope();
        } finally {
            login.close();
        }
    }

    private static Map<String, Object> consumer(Map<String, Object> changed) {
        Map<String, Object> all = new HashMap<>(changed);
        all.put("bootstrap.servers", "127.0.0.1:9092");
        all.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        all.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        all.put("security.protocol", "SASL_SSL");
        all.put("sasl.mechanism", "OAUTHBEARER");
        return all;
    }
}
