import io.quarkus.oidc.RefreshToken;
import io.quarkus.oidc.UserInfo;
import io.quarkus.oidc.client.OidcClient;
import io.quarkus.security.Authenticated;
import io.quarkus.security.PermissionsAllowed;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.mutiny.Uni;

import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

/** Resources that show who asks. The path selects the tenant, that is, how Quarkus finds out. */
@Path("/")
@Authenticated
public class Protected {
    @Inject SecurityIdentity identity;
    @Inject RefreshToken refreshToken;
    @Inject OidcClient client;

    @GET
    @Path("{tenant: api|audience|elsewhere|introspection}")
    @PermissionsAllowed("api:read")
    public String read() {
        return identity.getPrincipal().getName();
    }

    @GET
    @Path("write")
    @PermissionsAllowed("api:write")
    public String write() {
        return identity.getPrincipal().getName();
    }

    @GET
    @Path("{tenant: login|no-pkce}")
    public Uni<String> login() {
        // Injected, it would be asked for in every tenant.
        UserInfo userInfo = identity.getAttribute("userinfo");
        return client.refreshTokens(refreshToken.getToken())
                .map(
                        tokens ->
                                identity.getPrincipal().getName()
                                        + ", userinfo "
                                        + userInfo.getSubject()
                                        + ", refreshed "
                                        + !tokens.getRefreshToken()
                                                .equals(refreshToken.getToken()));
    }
}
