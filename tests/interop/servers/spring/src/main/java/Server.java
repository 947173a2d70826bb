// Spring Authorization Server, as Spring Boot configures it, with the clients of the test and the
// login page of Spring Security. The user is ada with the password ada.
//
//     java Server CONFIG.json
//
// CONFIG.json:
//
//     { "clients": [ { "client_id": "...", "jwks_uri": "http://127.0.0.1:NNNN/jwks.json",
//                      "token_endpoint_auth_signing_alg": "ES256" } ] }
//
// Listens on an ephemeral port of 127.0.0.1 and then prints the one line
// `ISSUER http://127.0.0.1:PORT` on stdout. Ends when its stdin closes.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@EnableAutoConfiguration
@SpringBootConfiguration(proxyBeanMethods = false)
public class Server {
    private static Path config;

    public static void main(String[] arguments) throws Exception {
        config = Path.of(arguments[0]);
        var application = new SpringApplication(Server.class);
        application.setDefaultProperties(Map.of(
            "server.address", "127.0.0.1", "server.port", "0",
            "spring.security.user.name", "ada", "spring.security.user.password", "ada",
            "spring.main.banner-mode", "off", "logging.level.root", "off"));
        var port = application.run().getEnvironment().getProperty("local.server.port");
        System.out.println("ISSUER http://127.0.0.1:" + port);
        System.in.transferTo(java.io.OutputStream.nullOutputStream());
        System.exit(0);
    }

    /** The endpoints that are off by default. */
    @Bean
    @Order(1)
    SecurityFilterChain endpoints(HttpSecurity http) throws Exception {
        return http
            .oauth2AuthorizationServer(server -> {
                http.securityMatcher(server.getEndpointsMatcher());
                server.oidc(Customizer.withDefaults())
                    .deviceAuthorizationEndpoint(Customizer.withDefaults())
                    .pushedAuthorizationRequestEndpoint(Customizer.withDefaults());
            })
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .exceptionHandling(exceptions -> exceptions.defaultAuthenticationEntryPointFor(
                new LoginUrlAuthenticationEntryPoint("/login"),
                PathPatternRequestMatcher.pathPattern("/oauth2/authorize")))
            .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain pages(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .formLogin(Customizer.withDefaults())
            .build();
    }

    @Bean
    InMemoryRegisteredClientRepository clients() throws Exception {
        JsonNode clients = JsonMapper.shared().readTree(Files.readString(config)).get("clients");
        List<RegisteredClient> registered = StreamSupport.stream(clients.spliterator(), false).map(Server::client).toList();
        return new InMemoryRegisteredClientRepository(registered);
    }

    private static RegisteredClient client(JsonNode client) {
        var id = client.get("client_id").asString();
        var algorithm = SignatureAlgorithm.from(client.get("token_endpoint_auth_signing_alg").asString());
        return RegisteredClient.withId(id).clientId(id)
            .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
            .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
            .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
            .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
            .authorizationGrantType(AuthorizationGrantType.DEVICE_CODE)
            .redirectUri("https://app.example/cb")
            .scope("openid").scope("api:read")
            .clientSettings(ClientSettings.builder()
                .jwkSetUrl(client.get("jwks_uri").asString())
                .tokenEndpointAuthenticationSigningAlgorithm(algorithm)
                .build())
            .build();
    }
}
