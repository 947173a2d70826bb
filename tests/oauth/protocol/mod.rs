//! Every grant and every endpoint with a scripted server: the exact form on the wire, and how the
//! answer is read.

mod device;
mod forms;

use std::time::Duration;

use private_key_jwt::client::ErrorKind;
use private_key_jwt::oauth::{
    AuthorizationRequest, CodeVerifier, DeviceAuthorizationRequest, Endpoint, HintedToken, JwtGrant,
    JwtGrantBuilder, OAuthError, TokenExchange, TokenKind,
};
use private_key_jwt::{
    Algorithm, Audience, AuthorizationServer, ClientAssertion, ClientAssertionVerifier, Error, JwkSet,
    PublicKeySet, TokenClient, TokenRequest,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{MARK, all_texts, clean, key, now};

const ISSUER: &str = "https://as.example/env/as";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const ASSERTION_TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

fn metadata(base: &str) -> AuthorizationServer {
    let endpoints = Endpoint::ALL
        .into_iter()
        .try_fold(AuthorizationServer::new(ISSUER, format!("{base}/token")).unwrap(), |server, endpoint| {
            server.with_endpoint(endpoint, format!("{base}/{}", place(endpoint)))
        });
    endpoints.unwrap().with_authorization_endpoint("https://as.example/authorize").unwrap()
}

fn place(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Token => "token",
        Endpoint::PushedAuthorization => "par",
        Endpoint::Introspection => "introspect",
        Endpoint::Revocation => "revoke",
        Endpoint::DeviceAuthorization => "device_authorization",
        other => panic!("{other:?}"),
    }
}

/// A server that answers at one endpoint, and a client of it.
async fn answering(endpoint: Endpoint, response: ResponseTemplate) -> (MockServer, TokenClient) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/{}", place(endpoint))))
        .respond_with(response)
        .mount(&server)
        .await;
    let client = TokenClient::builder(metadata(&server.uri()), "client", key("p256.pkcs8.pem"))
        .clock(now)
        .without_retries()
        // The clock of these tests is not the server's.
        .without_time_correction()
        .build();
    (server, client.unwrap())
}

async fn token_endpoint() -> (MockServer, TokenClient) {
    let body = json!({"access_token": "AT", "token_type": "Bearer", "expires_in": 300});
    answering(Endpoint::Token, ResponseTemplate::new(200).set_body_json(body)).await
}

/// The part of the only request's form before the assertion. Checks the assertion, and that the
/// client id follows it.
async fn form(server: &MockServer) -> String {
    let requests = server.received_requests().await.unwrap();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers["accept"], "application/json");
    assert_eq!(request.headers["accept-encoding"], "identity");
    assert_eq!(request.headers["user-agent"], concat!("private-key-jwt/", env!("CARGO_PKG_VERSION")));
    assert!(!request.headers.contains_key("authorization"));
    assert_eq!(request.url.query(), None);
    assert_holds(&request.body);
    let body = String::from_utf8(request.body.clone()).unwrap();
    let (before, rest) = body.split_once("client_assertion_type=").unwrap();
    let (assertion_type, rest) = rest.split_once("&client_assertion=").unwrap();
    assert_eq!(assertion_type, ASSERTION_TYPE);
    assert_eq!(rest.split_once('&').unwrap().1, "client_id=client");
    before.to_owned()
}

/// Checks the assertion of a form and returns its `jti`.
fn assert_holds(form: &[u8]) -> String {
    let verifier = ClientAssertionVerifier::new(ISSUER).typed_only();
    let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
    verifier.parse(form).unwrap().verify(&keys, Algorithm::ES256, now()).unwrap().jti().unwrap().to_owned()
}

#[tokio::test]
async fn rfc7636_4_5_an_authorization_code() {
    let (server, client) = token_endpoint().await;
    let verifier = CodeVerifier::new(VERIFIER).unwrap();
    let response =
        client.authorization_code("Splx/lOB+e", "https://app.example/cb?a=b", &verifier).await.unwrap();
    assert_eq!(response.access_token().secret(), "AT");
    assert_eq!(
        form(&server).await,
        format!(
            "grant_type=authorization_code&code=Splx%2FlOB%2Be&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db\
             &code_verifier={VERIFIER}&"
        )
    );
}

/// The content of a request may be echoed in any answer other than a token.
#[tokio::test]
async fn an_echo_of_the_code_is_masked_in_every_kind_of_answer() {
    const CODE: &str = "Splx/lOB+e-cAnArY";
    let verifier = CodeVerifier::new(VERIFIER).unwrap();
    let encoded = "Splx%2FlOB%2Be-cAnArY";
    for (status, body, expected) in [
        (200, format!(r#"{{"error":"e","error_description":"bad {CODE}"}}"#), "200 e: bad [masked]"),
        (400, format!(r#"{{"error":{{"message":"bad {CODE}"}}}}"#), "400: bad [masked]"),
        (400, format!("bad {CODE}, that is {encoded}"), "400: bad [masked], that is [masked]"),
        (400, format!("<title>bad {CODE}</title>"), "400: bad [masked]"),
        (400, format!("error=e&error_description=bad+{encoded}"), "400 e: bad [masked]"),
    ] {
        let answer = ResponseTemplate::new(status).set_body_raw(body.as_str(), "application/json");
        let (_server, client) = answering(Endpoint::Token, answer).await;
        let error = client.authorization_code(CODE, "https://app.example/cb", &verifier).await.unwrap_err();
        let error = clean(error);
        assert!(!all_texts(&error).contains("cAnArY"), "{error:?}");
        assert_eq!(error.to_string(), format!("refused: {expected}"));
    }
}

#[tokio::test]
async fn rfc6749_6_a_refresh_token_with_and_without_a_scope() {
    let (server, client) = token_endpoint().await;
    client.refresh_token("tGzv3J&OkF0=").await.unwrap();
    assert_eq!(form(&server).await, "grant_type=refresh_token&refresh_token=tGzv3J%26OkF0%3D&");
    let (server, client) = token_endpoint().await;
    client.request(&TokenRequest::refresh_token("r").scope("a b")).await.unwrap();
    assert_eq!(form(&server).await, "grant_type=refresh_token&scope=a+b&refresh_token=r&");
}

#[tokio::test]
async fn rfc7523_2_1_a_jwt_grant_has_its_own_assertion_and_audience() {
    let (server, client) = token_endpoint().await;
    let grant = JwtGrant::builder("https://sts.example", "user-1", &client.server().await.unwrap())
        .and_then(|builder| builder.claim("act", json!({"sub": "x"})))
        .and_then(|builder| builder.sign(&key("rsa2048.pkcs8.pem"), now(), "grant-1"))
        .unwrap();
    client.jwt_bearer(&grant, "a").await.unwrap();
    let jwt = grant.secret();
    assert_eq!(
        form(&server).await,
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&scope=a&assertion={jwt}&")
    );
    let jws = private_key_jwt::jose::CompactJws::parse(jwt).unwrap();
    assert_eq!((jws.header().algorithm, jws.header().media_type.as_deref()), (Algorithm::RS256, Some("JWT")));
    assert_eq!(jws.header().key_id.as_ref(), Some(key("rsa2048.pkcs8.pem").key_id()));
    key("rsa2048.pkcs8.pem")
        .public_key()
        .unwrap()
        .verify(jws.signing_input().as_bytes(), jws.signature())
        .unwrap();
    let seconds = now().unix_timestamp();
    assert_eq!(
        serde_json::from_slice::<Value>(jws.payload()).unwrap(),
        json!({"iss": "https://sts.example", "sub": "user-1", "aud": ISSUER, "jti": "grant-1", "iat": seconds,
            "exp": seconds + 60, "act": {"sub": "x"}})
    );
}

#[test]
fn rfc7523_3_a_grant_that_cannot_be() {
    let server = metadata("https://as.example");
    let builder = || JwtGrant::builder("i", "s", &server).unwrap();
    for (iss, sub, claim) in [("", "s", "iss"), ("i", "", "sub")] {
        let refused = JwtGrant::builder(iss, sub, &server);
        assert!(matches!(refused, Err(OAuthError::EmptyClaim { claim: found }) if found == claim));
    }
    for name in ["iss", "sub", "aud", "jti", "exp", "iat"] {
        let refused = builder().claim(name, 1);
        assert!(matches!(refused, Err(OAuthError::ReservedClaim { name: found }) if found == name));
    }
    assert!(matches!(builder().audience(""), Err(OAuthError::EmptyAudience)));
    let longest = JwtGrantBuilder::LONGEST_LIFETIME;
    assert!(builder().lifetime(longest).is_ok());
    for bad in [Duration::ZERO, longest + Duration::from_secs(1)] {
        let refused = builder().lifetime(bad);
        assert!(matches!(refused, Err(OAuthError::Lifetime { .. })));
    }
    let signing = |jti: &str, now| builder().sign(&key("p256.pkcs8.pem"), now, jti);
    assert!(matches!(signing("", now()), Err(OAuthError::TokenId { found: 0 })));
    assert!(matches!(signing(&"j".repeat(257), now()), Err(OAuthError::TokenId { found: 257 })));
    let before = OffsetDateTime::UNIX_EPOCH - Duration::from_secs(1);
    assert!(matches!(signing("j", before), Err(OAuthError::Time)));
    let unsigned = builder().prepare(&key("p256.pkcs8.pem"), now(), "j").unwrap();
    let other = key("p384.pkcs8.pem").sign(unsigned.signing_input()).unwrap();
    assert!(matches!(
        unsigned.attach(other),
        Err(OAuthError::SignatureAlgorithm { expected: Algorithm::ES256, found: Algorithm::ES384 })
    ));
    assert_eq!(format!("{:?}", signing("j", now()).unwrap()), "JwtGrant([redacted])");
}

#[tokio::test]
async fn rfc8707_2_several_resources_in_every_request_that_may_name_them() {
    let resources = "resource=https%3A%2F%2Fapi.example%2Fv1&resource=urn%3Aexample%3Aother";
    let of = |request: TokenRequest| {
        request.resource("https://api.example/v1").and_then(|request| request.resource("urn:example:other"))
    };
    let (server, client) = token_endpoint().await;
    client.request(&of(TokenRequest::client_credentials("a")).unwrap()).await.unwrap();
    assert_eq!(form(&server).await, format!("grant_type=client_credentials&scope=a&{resources}&"));
    let (server, client) = token_endpoint().await;
    client.request(&of(TokenRequest::refresh_token("r")).unwrap()).await.unwrap();
    assert_eq!(form(&server).await, format!("grant_type=refresh_token&refresh_token=r&{resources}&"));
    let (server, client) =
        answering(Endpoint::DeviceAuthorization, ResponseTemplate::new(200).set_body_json(codes(60))).await;
    let request = DeviceAuthorizationRequest::new(())
        .resource("https://api.example/v1")
        .and_then(|request| request.resource("urn:example:other"));
    client.authorize_device(request.unwrap()).await.unwrap();
    assert_eq!(form(&server).await, format!("{resources}&"));
}

/// Some gateways answer every POST with 201.
#[tokio::test]
async fn a_201_counts_where_the_user_says_so_at_every_endpoint() {
    for (endpoint, answer) in [
        (Endpoint::Token, json!({"access_token": "AT", "token_type": "Bearer"})),
        (Endpoint::PushedAuthorization, json!({"request_uri": "u", "expires_in": 1})),
        (Endpoint::Introspection, json!({"active": true})),
        (Endpoint::Revocation, json!({})),
        (Endpoint::DeviceAuthorization, codes(60)),
    ] {
        let created = ResponseTemplate::new(201).set_body_json(answer);
        let (server, strict) = answering(endpoint, created).await;
        let known = metadata(&server.uri()).accept_created();
        let client = TokenClient::builder(known, "client", key("p256.pkcs8.pem")).clock(now).build().unwrap();
        call(&client, endpoint).await.unwrap();
        let result = call(&strict, endpoint).await;
        // RFC 9126 §2.2: at this endpoint, 201 is the status of a success.
        if endpoint == Endpoint::PushedAuthorization {
            assert!(result.is_ok());
            continue;
        }
        let error = clean(result.unwrap_err());
        assert!(
            matches!(error.kind(), ErrorKind::OAuth(OAuthError::Unavailable(answer)) if answer.status() == 201),
            "{error:?}"
        );
    }
}

async fn call(client: &TokenClient, endpoint: Endpoint) -> Result<(), Error> {
    match endpoint {
        Endpoint::Token => client.request(&"a".into()).await.map(drop),
        Endpoint::PushedAuthorization => {
            let verifier = CodeVerifier::new(VERIFIER).unwrap();
            let request = AuthorizationRequest::new("https://app.example/cb", &verifier);
            client.push_authorization(&request).await.map(drop)
        }
        Endpoint::Introspection => client.introspect("t").await.map(drop),
        Endpoint::Revocation => client.revoke("t").await,
        _ => client.authorize_device(()).await.map(drop),
    }
}

#[tokio::test]
async fn rfc8693_2_1_a_token_exchange() {
    let body =
        json!({"access_token": "T", "issued_token_type": TokenKind::Jwt.as_str(), "token_type": "N_A"});
    let (server, client) = answering(Endpoint::Token, ResponseTemplate::new(200).set_body_json(body)).await;
    let exchange = TokenExchange::new("s+1", TokenKind::AccessToken)
        .actor("a/1", TokenKind::Jwt)
        .requesting(TokenKind::Other("urn:x:y".to_owned()));
    let request = TokenRequest::token_exchange(&exchange)
        .scope("a")
        .audience("orders & co")
        .and_then(|request| request.audience("billing"))
        .and_then(|request| request.resource("https://api.example/v1"))
        .and_then(|request| request.resource("urn:example:other"))
        .unwrap();
    let response = client.request(&request).await.unwrap();
    assert_eq!(response.issued_token_type(), Some(&TokenKind::Jwt));
    assert!(!response.access_token().is_bearer());
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";
    assert_eq!(
        form(&server).await,
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&scope=a&subject_token=s%2B1\
             &subject_token_type={kind}access_token&actor_token=a%2F1&actor_token_type={kind}jwt\
             &requested_token_type=urn%3Ax%3Ay&audience=orders+%26+co&audience=billing&resource=https%3A%2F%2Fapi.example%2Fv1\
             &resource=urn%3Aexample%3Aother&"
        )
    );
    let (server, client) = token_endpoint().await;
    client.token_exchange(&TokenExchange::new("s", TokenKind::IdToken), ()).await.unwrap();
    assert_eq!(
        form(&server).await,
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=s\
             &subject_token_type={kind}id_token&"
        )
    );
}

#[tokio::test]
async fn rfc9126_2_1_a_pushed_authorization_request() {
    let body = json!({"request_uri": "urn:ietf:params:oauth:request_uri:x", "expires_in": 60});
    let created = ResponseTemplate::new(201).set_body_json(body);
    let (server, client) = answering(Endpoint::PushedAuthorization, created).await;
    let request = AuthorizationRequest::new("https://app.example/cb", &CodeVerifier::new(VERIFIER).unwrap())
        .scope("openid")
        .state("s/1")
        .parameter("nonce", "n")
        .and_then(|request| request.resource("urn:a"))
        .and_then(|request| request.resource("urn:b"))
        .unwrap();
    let pushed = client.push_authorization(&request).await.unwrap();
    assert_eq!(
        pushed.to_url(&client.server().await.unwrap(), "client").unwrap(),
        "https://as.example/authorize?client_id=client&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax"
    );
    assert_eq!(pushed.expires_at(), now() + Duration::from_secs(60));
    assert_eq!(
        form(&server).await,
        "response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=s%2F1&nonce=n\
         &resource=urn%3Aa&resource=urn%3Ab&"
    );
}

#[test]
fn rfc9126_2_1_the_client_id_is_there_once_whatever_the_assertion_brings() {
    let server = metadata("https://as.example");
    let request = AuthorizationRequest::new("https://app.example/cb", &CodeVerifier::new(VERIFIER).unwrap());
    for sends_client_id in [true, false] {
        let builder = ClientAssertion::builder("client", &server);
        let builder = if sends_client_id { builder } else { builder.without_client_id() };
        let assertion = builder.sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
        let body = request.to_http(&server, &assertion).unwrap().into_body();
        let body = String::from_utf8(body).unwrap();
        assert_eq!(body.matches("client_id=client").count(), 1, "{body}");
    }
}

#[tokio::test]
async fn rfc7662_2_1_an_introspection() {
    let active = || ResponseTemplate::new(200).set_body_json(json!({"active": true, "sub": "user-1"}));
    let (server, client) = answering(Endpoint::Introspection, active()).await;
    let token = client.introspect("2YotnFZFEjr1zCsicMWpAA==").await.unwrap();
    assert!(token.is_active() && token.subject() == Some("user-1"));
    assert_eq!(form(&server).await, "token=2YotnFZFEjr1zCsicMWpAA%3D%3D&");
    let (server, client) = answering(Endpoint::Introspection, active()).await;
    let token = HintedToken::refresh_token("t").parameter("x", "y").unwrap();
    client.introspect(token).await.unwrap();
    assert_eq!(form(&server).await, "token=t&token_type_hint=refresh_token&x=y&");
}

#[tokio::test]
async fn rfc7009_2_2_a_revocation_and_its_answers() {
    let (server, client) =
        answering(Endpoint::Revocation, ResponseTemplate::new(200).set_body_string("?")).await;
    client.revoke("45ghiukldjahdnhzdauz").await.unwrap();
    assert_eq!(form(&server).await, "token=45ghiukldjahdnhzdauz&");
    let (server, client) = answering(Endpoint::Revocation, ResponseTemplate::new(200)).await;
    client.revoke(HintedToken::access_token("t")).await.unwrap();
    assert_eq!(form(&server).await, "token=t&token_type_hint=access_token&");

    let refusal = ResponseTemplate::new(400).set_body_json(json!({"error": "unsupported_token_type"}));
    let (_server, client) = answering(Endpoint::Revocation, refusal).await;
    let error = clean(client.revoke(MARK).await.unwrap_err());
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.error(), Some("unsupported_token_type"));
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "7");
    let (_server, client) = answering(Endpoint::Revocation, busy).await;
    let error = clean(client.revoke(MARK).await.unwrap_err());
    assert_eq!(error.retry(), private_key_jwt::oauth::Retry::After(Duration::from_secs(7)));
}

fn codes(expires_in: u64) -> Value {
    json!({"device_code": "GmRh/mBcxhwzk9nhS", "user_code": "WDJB-MJHT", "interval": 3, "expires_in": expires_in,
        "verification_uri": "https://as.example/device"})
}

fn refusal(error: &str) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(json!({"error": error}))
}

fn granted() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"access_token": "AT", "token_type": "Bearer"}))
}

#[tokio::test]
async fn a_form_with_nothing_but_the_assertion() {
    let (server, client) =
        answering(Endpoint::DeviceAuthorization, ResponseTemplate::new(200).set_body_json(codes(60))).await;
    client.authorize_device(()).await.unwrap();
    assert_eq!(form(&server).await, "");
}

#[tokio::test]
async fn the_audience_is_right_at_every_endpoint_under_every_audience() {
    let answers = [
        (Endpoint::Token, json!({"access_token": "AT", "token_type": "Bearer"})),
        (Endpoint::PushedAuthorization, json!({"request_uri": "u", "expires_in": 1})),
        (Endpoint::Introspection, json!({"active": false})),
        (Endpoint::Revocation, json!({})),
        (Endpoint::DeviceAuthorization, codes(60)),
    ];
    for (endpoint, answer) in answers {
        for audience in [
            Audience::Issuer,
            Audience::TokenEndpoint,
            Audience::CalledEndpoint,
            Audience::Exactly("urn:other".to_owned()),
        ] {
            let (server, _) =
                answering(endpoint, ResponseTemplate::new(200).set_body_json(answer.clone())).await;
            let client = TokenClient::builder(metadata(&server.uri()), "client", key("p256.pkcs8.pem"))
                .audience(audience.clone())
                .clock(now)
                .build()
                .unwrap();
            match endpoint {
                Endpoint::Token => drop(client.token(()).await.unwrap()),
                Endpoint::PushedAuthorization => {
                    let verifier = CodeVerifier::new(VERIFIER).unwrap();
                    let request = AuthorizationRequest::new("https://app.example/cb", &verifier);
                    drop(client.push_authorization(&request).await.unwrap());
                }
                Endpoint::Introspection => drop(client.introspect("t").await.unwrap()),
                Endpoint::Revocation => client.revoke("t").await.unwrap(),
                _ => drop(client.authorize_device(()).await.unwrap()),
            }
            let expected = match audience {
                Audience::Issuer => ISSUER.to_owned(),
                Audience::TokenEndpoint => format!("{}/token", server.uri()),
                Audience::CalledEndpoint => format!("{}/{}", server.uri(), place(endpoint)),
                _ => "urn:other".to_owned(),
            };
            let requests = server.received_requests().await.unwrap();
            let keys = PublicKeySet::from(JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone()));
            let verifier = ClientAssertionVerifier::new(&expected);
            let verified = verifier.parse(&requests[0].body).unwrap().verify(&keys, None, now());
            assert!(verified.is_ok(), "{endpoint:?} {audience:?}: {verified:?}");
        }
    }
}

#[test]
fn an_assertion_for_one_endpoint_goes_to_no_other() {
    let server = metadata("https://as.example");
    let builder = ClientAssertion::builder("client", &server).audience(Audience::CalledEndpoint);
    let token = builder.sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
    let introspection =
        builder.endpoint(Endpoint::Introspection).sign(&key("p256.pkcs8.pem"), now(), "j").unwrap();
    assert!(HintedToken::new("t").to_introspection(&server, &introspection).is_ok());
    assert!(TokenRequest::client_credentials(()).to_http(&server, &token).is_ok());
    assert!(matches!(
        HintedToken::new("t").to_revocation(&server, &token),
        Err(OAuthError::OtherEndpoint { assertion: "token_endpoint", request: "revocation_endpoint" })
    ));
    assert!(matches!(
        TokenRequest::client_credentials(()).to_http(&server, &introspection),
        Err(OAuthError::OtherEndpoint { assertion: "introspection_endpoint", request: "token_endpoint" })
    ));
}

#[tokio::test]
async fn an_endpoint_that_is_not_known_is_an_error_of_its_own() {
    let server = AuthorizationServer::new(ISSUER, "https://as.example/token").unwrap();
    let client = TokenClient::new(server, "client", key("p256.pkcs8.pem")).unwrap();
    let not_known = |result: Result<(), Error>| match result.unwrap_err().into_kind() {
        ErrorKind::OAuth(OAuthError::NotKnown { member }) => member,
        other => panic!("{other:?}"),
    };
    assert_eq!(not_known(client.revoke("t").await), "revocation_endpoint");
    assert_eq!(not_known(client.introspect("t").await.map(drop)), "introspection_endpoint");
    let request = AuthorizationRequest::new("https://app.example/cb", &CodeVerifier::new(VERIFIER).unwrap());
    let pushed = client.push_authorization(&request).await.map(drop);
    assert_eq!(not_known(pushed), "pushed_authorization_request_endpoint");
    assert_eq!(not_known(client.authorize_device(()).await.map(drop)), "device_authorization_endpoint");
}
