//! User logins at Spring Authorization Server and at zitadel/oidc, on their own login pages, from
//! the authorization request to the revoked token, with every algorithm that they accept.

use private_key_jwt::client::fresh_code_verifier;
use private_key_jwt::oauth::{
    AuthorizationRequest, AuthorizationResponse, CodeVerifier, Endpoint, HintedToken,
};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{
    AccessTokenProfile, AccessTokenVerifier, Algorithm, AuthorizationServer, JwkSet, Profile, PublicKeySet,
    TokenClient, TokenResponse,
};
use time::OffsetDateTime;

use crate::browser::{Browser, Page, REDIRECT_URI};
use crate::peers::{spring, zitadel};
use crate::record::Record;
use crate::{ALGORITHMS, path, published, refusal, signing_key};

/// A server with a login page.
struct Site {
    name: &'static str,
    server: AuthorizationServer,
    profile: Profile,
    algorithms: Vec<(Algorithm, &'static str)>,
    user: (&'static str, &'static str),
    /// Whether authorization requests are pushed.
    pushes: bool,
}

impl Site {
    async fn spring() -> Self {
        Self {
            name: "Spring Authorization Server",
            server: AuthorizationServer::discover(&spring(published::url()).issuer).await.unwrap(),
            profile: Profile::spring(),
            algorithms: ALGORITHMS[..9].to_vec(),
            user: ("ada", "ada"),
            pushes: true,
        }
    }

    async fn zitadel() -> Self {
        Self {
            name: "zitadel/oidc",
            server: AuthorizationServer::discover(&zitadel().issuer).await.unwrap(),
            profile: Profile::zitadel(),
            algorithms: [0, 3, 6].map(|index| ALGORITHMS[index]).to_vec(),
            user: ("test-user2", "verysecure"),
            pushes: false,
        }
    }

    fn client(&self, (algorithm, file): (Algorithm, &str), record: &Record) -> TokenClient {
        let key = signing_key(algorithm, file);
        let builder = TokenClient::builder(self.server.clone(), algorithm.as_str(), key);
        builder.profile(self.profile.clone()).http(record.clone()).build().unwrap()
    }

    /// The page after the login form.
    async fn after_login(
        &self,
        client: &TokenClient,
        client_id: Algorithm,
        verifier: &CodeVerifier,
        password: &str,
    ) -> Page {
        let scope = if self.pushes { "openid" } else { "openid offline_access" };
        let request = AuthorizationRequest::new(REDIRECT_URI, verifier).scope(scope).state("state-1");
        let url = if self.pushes {
            let pushed = client.push_authorization(&request).await.unwrap();
            pushed.to_url(&self.server, client_id.as_str()).unwrap()
        } else {
            request.to_url(&self.server, client_id.as_str()).unwrap()
        };
        let mut browser = Browser::new();
        let form = browser.open(&url).await;
        browser.submit(&form, &[("username", self.user.0), ("password", password)]).await
    }

    /// The code that the server sends to the application.
    async fn code(&self, client: &TokenClient, client_id: Algorithm, verifier: &CodeVerifier) -> String {
        let back = self.after_login(client, client_id, verifier, self.user.1).await.url;
        let query = back.query().unwrap_or_else(|| panic!("{back}"));
        AuthorizationResponse::from_query(query, &self.server, "state-1").unwrap().code().to_owned()
    }

    /// Logs in, refreshes and revokes with every algorithm.
    async fn logs_in(&self, check: impl AsyncFn(&TokenResponse, Algorithm)) {
        let record = Record::of(self.name);
        for &named in &self.algorithms {
            let client = self.client(named, &record);
            let verifier = fresh_code_verifier().unwrap();
            let code = self.code(&client, named.0, &verifier).await;
            let first = client.authorization_code(&*code, REDIRECT_URI, &verifier).await.unwrap();
            check(&first, named.0).await;
            assert!(first.id_token().is_some(), "{named:?}");
            let second = client.refresh_token(first.refresh_token().unwrap()).await.unwrap();
            check(&second, named.0).await;
            let refresh_token = second.refresh_token().or(first.refresh_token()).unwrap();
            client.revoke(HintedToken::refresh_token(refresh_token)).await.unwrap();
            let refused = refusal(client.refresh_token(refresh_token).await);
            assert_eq!((refused.status(), refused.error()), (400, Some("invalid_grant")), "{refused:?}");
        }
        let counts = record.print();
        let count = |endpoint, status| counts.get(&(path(&self.server, endpoint), status)).copied();
        let all = self.algorithms.len();
        assert_eq!(count(Endpoint::Token, 200), Some(2 * all));
        assert_eq!((count(Endpoint::Token, 400), count(Endpoint::Revocation, 200)), (Some(all), Some(all)));
        if self.pushes {
            assert_eq!(count(Endpoint::PushedAuthorization, 201), Some(all));
        }
        println!("{}, logins: {all}", self.name);
    }

    /// A code passes once, and only with the verifier of its request.
    async fn takes_a_code_once(&self) {
        let (record, named) = (Record::of(self.name), ALGORITHMS[6]);
        let client = self.client(named, &record);
        let verifier = fresh_code_verifier().unwrap();
        let of_other = self.code(&client, named.0, &fresh_code_verifier().unwrap()).await;
        let code = self.code(&client, named.0, &verifier).await;
        assert!(client.authorization_code(&*code, REDIRECT_URI, &verifier).await.is_ok());
        for code in [code, of_other] {
            let refused = refusal(client.authorization_code(code, REDIRECT_URI, &verifier).await);
            assert_eq!((refused.status(), refused.error()), (400, Some("invalid_grant")), "{refused:?}");
        }
    }

    /// With a wrong password there is no code, but the login page again.
    async fn refuses_a_password(&self) {
        let client = self.client(ALGORITHMS[6], &Record::of(self.name));
        let verifier = fresh_code_verifier().unwrap();
        let page = self.after_login(&client, Algorithm::ES256, &verifier, "wrong").await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(page.body.contains("name=\"password\""), "{page:?}");
    }
}

#[tokio::test]
async fn a_login_at_spring_with_every_algorithm() {
    let site = Site::spring().await;
    let request = http::Request::get(site.server.jwks_uri().unwrap()).body(Vec::new()).unwrap();
    let document = ReqwestClient::new().unwrap().send(request).await.unwrap();
    let keys = PublicKeySet::from(JwkSet::from_json(document.body()).unwrap());
    let issuer = site.server.issuer().unwrap();
    site.logs_in(async |response, client_id| {
        let verifier =
            AccessTokenVerifier::new(issuer, client_id.as_str()).profile(AccessTokenProfile::spring());
        let token = response.access_token().bearer().unwrap();
        let claims = verifier.verify(&keys, token, OffsetDateTime::now_utc()).unwrap();
        assert_eq!(claims.subject(), Some("ada"));
        // An ID token does not pass as an access token.
        assert!(verifier.verify(&keys, response.id_token().unwrap(), OffsetDateTime::now_utc()).is_err());
    })
    .await;
    site.takes_a_code_once().await;
    site.refuses_a_password().await;
}

/// Its access tokens are opaque.
#[tokio::test]
async fn a_login_at_zitadel_with_every_algorithm() {
    let site = Site::zitadel().await;
    site.logs_in(async |response, client_id| {
        let client = site.client(
            *site.algorithms.iter().find(|named| named.0 == client_id).unwrap(),
            &Record::of("zitadel/oidc"),
        );
        let said = client.introspect(response.access_token().bearer().unwrap()).await.unwrap();
        assert!(said.is_active());
        assert_eq!(said.subject(), Some("id2"));
    })
    .await;
    site.takes_a_code_once().await;
    site.refuses_a_password().await;
}
