//! The hooks of a layer: responses to refused requests, and what the server's log gets.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use private_key_jwt::server::{ProblemDetails, RefusalReason, RefusalResponse};

use super::*;
use crate::support::log;
use crate::support::observed::{Observed, field};

/// A body of text.
#[derive(Debug, Default, PartialEq)]
struct Text(String);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// A service that answers every request with 204 and one header.
#[derive(Clone)]
struct Done;

impl Service<Request<Body>> for Done {
    type Response = Response<Text>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Text>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::builder().status(204).body(Text::default()).unwrap()))
    }
}

/// Adds headers to every response, like the layers that users put between.
#[derive(Clone)]
struct Stamped<S>(S);

impl<S> Service<Request<Body>> for Stamped<S>
where
    S: Service<Request<Body>, Response = Response<Text>, Error = &'static str, Future: Send + 'static>,
{
    type Response = Response<Text>;
    type Error = &'static str;
    type Future = private_key_jwt::keys::BoxFuture<'static, Result<Response<Text>, &'static str>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let response = self.0.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            let headers = response.headers_mut();
            headers.append("x-stamp", HeaderValue::from_static("1"));
            headers.append("x-stamp", HeaderValue::from_static("2"));
            headers.insert("content-length", HeaderValue::from_static("0"));
            Ok(response)
        })
    }
}

/// Requests that are refused for every reason that needs no second issuer: what they have, and the
/// reason.
fn requests() -> Vec<(Vec<String>, RefusalReason)> {
    let of = |token: String| vec![format!("Bearer {token}")];
    let seconds = now().unix_timestamp();
    let other = PrivateKey::generate(private_key_jwt::Algorithm::ES256).unwrap().private_key().unwrap();
    let mut forged = good();
    forged.replace_range(forged.rfind('.').unwrap() + 1.., &"A".repeat(86));
    vec![
        (vec![], RefusalReason::NoCredentials),
        (vec!["Basic x".to_owned()], RefusalReason::NoCredentials),
        (vec!["Bearer".to_owned()], RefusalReason::MalformedRequest),
        ([of(good()), of(good())].concat(), RefusalReason::MalformedRequest),
        (of("x".to_owned()), RefusalReason::MalformedToken),
        (of(token("iss", json!("https://evil.example"))), RefusalReason::Issuer),
        (of(token("aud", json!("https://other.example"))), RefusalReason::Audience),
        (of(token("aud", Value::Null)), RefusalReason::Audience),
        (of(token("exp", json!(seconds - 60))), RefusalReason::Expired),
        (of(token("nbf", json!(seconds + 60))), RefusalReason::NotYetValid),
        (
            of(signed(&key("p256.pkcs8.pem"), Some("logout+jwt"), &json!({"iss": ISSUER}))),
            RefusalReason::TokenType,
        ),
        (of(token_by(&other, "sub", json!("x"))), RefusalReason::UnknownKey),
        (of(forged), RefusalReason::Signature),
        (of(token("cnf", json!({"jkt": other.thumbprint().to_string()}))), RefusalReason::Binding),
        (of(token("jti", json!(1))), RefusalReason::Claims),
        (of(good()), RefusalReason::InsufficientScope),
    ]
}

fn with(authorization: &[String]) -> Request<Body> {
    request(&authorization.iter().map(String::as_bytes).collect::<Vec<_>>())
}

#[tokio::test]
async fn the_hook_for_the_log_sees_every_refusal_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&seen);
    let layer = bearer().on_refusal(move |parts, refusal| {
        assert!(parts.headers.get_all(AUTHORIZATION).iter().all(HeaderValue::is_sensitive));
        assert_eq!(parts.extensions.get(), Some(&7));
        let shown = format!("{parts:?}{refusal:?}{refusal}");
        assert!(!shown.contains(&good()), "{shown}");
        hook.lock().unwrap().push((refusal.reason(), refusal.to_string(), refusal.status()));
    });
    let mut service = layer.layer(RequireScope::all("c").unwrap().layer(Handler::new()));
    for (authorization, reason) in requests() {
        let mut request = with(&authorization);
        // The tokens of these tests are in the query as well, where the hook would see them.
        *request.uri_mut() = "/orders".parse().unwrap();
        request.extensions_mut().insert(7);
        let status = send(&mut service, request).await.status();
        let found = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(found.len(), 1, "{reason}: {found:?}");
        assert_eq!((found[0].0, found[0].2), (reason, status), "{found:?}");
    }
    // One of each, but for the three that appear twice.
    let counts: Vec<u64> = RefusalReason::ALL.iter().map(|reason| layer.refused(*reason)).collect();
    assert_eq!(counts, [2, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    let words: std::collections::BTreeSet<&str> =
        RefusalReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(words.len(), RefusalReason::ALL.len());
}

#[tokio::test]
async fn the_log_says_exactly_why() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&seen);
    let layer = bearer().on_refusal(move |_, refusal| hook.lock().unwrap().push(refusal.to_string()));
    let token = good();
    let routes = [
        (RequireScope::all("a c").unwrap(), "the token does not have all of the scopes `a c`"),
        (RequireScope::any(["c", "d"]).unwrap(), "the token has none of the scopes `c d`"),
        (RequireScope::any("-----BEGIN").unwrap(), "the token has none of the scopes `[PEM text]`"),
        (RequireScope::new(""), "nothing is accepted: the scope of `RequireScope` is empty"),
    ];
    for (route, reason) in routes {
        let mut service = layer.layer(route.layer(Handler::new()));
        send(&mut service, request(&[format!("Bearer {token}").as_bytes()])).await;
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), [reason]);
    }
    for (value, reason) in [
        (&[][..], "the request has no access token"),
        (
            &[b"Bearer".as_slice()],
            "the request needs exactly one Authorization header, with one access token",
        ),
    ] {
        answer(&layer, value).await;
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), [reason]);
    }
}

#[tokio::test]
async fn rfc9457_3_problem_details() {
    let layer = bearer().problem_details();
    let route = RequireScope::any(["c", "d"]).unwrap();
    let unauthorized = r#"{"title":"Unauthorized","status":401,"detail":"#;
    let cases = [
        (vec![], r#"{"title":"Unauthorized","status":401,"detail":"the request has no access token"}"#.to_owned()),
        (
            vec!["Bearer".to_owned()],
            r#"{"title":"Bad Request","status":400,"detail":"the request needs exactly one Authorization header, with one access token","error":"invalid_request"}"#.to_owned(),
        ),
        (
            vec![format!("Bearer {}", token("aud", json!("https://other.example")))],
            format!(r#"{unauthorized}"the access token is not valid","error":"invalid_token"}}"#),
        ),
        (
            vec![format!("Bearer {}", good())],
            r#"{"title":"Forbidden","status":403,"detail":"the access token does not have the required scope","error":"insufficient_scope","scope":"c d"}"#.to_owned(),
        ),
    ];
    for (authorization, body) in cases {
        let mut service = layer.layer(route.layer(Done));
        let response = send(&mut service, with(&authorization)).await;
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
        assert_eq!((response.headers().len(), response.body().0.as_str()), (2, body.as_str()));
        let problem: Value = serde_json::from_str(&response.body().0).unwrap();
        assert_eq!(problem["status"], response.status().as_u16());
    }
    let issuer = ScriptedHttp::silent();
    issuer.breaks();
    let layer = BearerLayer::new(jwks_of(&issuer, now), verifier()).problem_details();
    let response = send(&mut layer.layer(Done), with(&[format!("Bearer {}", good())])).await;
    let body = r#"{"title":"Service Unavailable","status":503,"detail":"the access token cannot be checked now; try again later"}"#;
    assert_eq!((response.body().0.as_str(), &response.headers()[RETRY_AFTER]), (body, &HeaderValue::from(5)));
    let layer = BearerLayer::new(jwks(), verifier().require_scope("")).problem_details();
    let response = send(&mut layer.layer(Done), with(&[format!("Bearer {}", good())])).await;
    let body =
        r#"{"title":"Internal Server Error","status":500,"detail":"the server cannot check access tokens"}"#;
    assert_eq!(response.body().0, body);
}

#[tokio::test]
async fn the_alternate_form_of_a_refusal_has_the_causes() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&seen);
    let issuer = ScriptedHttp::answering(|_| ok(&[], "[]"));
    let layer = BearerLayer::new(jwks_of(&issuer, now), verifier()).on_refusal(move |_, refusal| {
        hook.lock().unwrap().extend([refusal.to_string(), format!("{refusal:#}")]);
    });
    answer(&layer, &[format!("Bearer {}", good()).as_bytes()]).await;
    let plain = "the keys at https://as.example/jwks are not available";
    let causes = ": https://as.example/jwks did not return a usable JWK Set: a JWK Set is not a JSON object";
    assert_eq!(*seen.lock().unwrap(), [plain.to_owned(), format!("{plain}{causes}")]);
}

/// A response of the user's own: the status of an error stays, and no refusal is a success.
#[tokio::test]
async fn a_custom_response_keeps_its_status_and_gets_the_missing_headers() {
    let custom = |status: u16, header: Option<&'static str>| {
        bearer().respond_with(move |parts, refusal| {
            let mut response = Response::new(Text(format!("{} {}", parts.uri.path(), refusal.detail())));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(value) = header {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(value));
            }
            response
        })
    };
    for (status, header, expected, found) in [
        (200, None, 401, Some(CHALLENGE)),
        (302, None, 401, Some(CHALLENGE)),
        (401, None, 401, Some(CHALLENGE)),
        (401, Some("Own"), 401, Some("Own")),
        (404, None, 404, None),
        (503, None, 503, None),
    ] {
        let response = send(&mut custom(status, header).layer(Done), with(&[])).await;
        let value = response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), value), (expected, found), "{status}");
        assert_eq!(response.body().0, "/ the request has no access token");
    }
}

#[tokio::test]
async fn one_response_for_both_layers_with_the_headers_of_the_layers_between() {
    let layer = bearer().respond_with(|parts, refusal| {
        let mut response = ProblemDetails.response(parts, refusal);
        let code = refusal.error_code().unwrap();
        response.headers_mut().insert("x-code", HeaderValue::from_static(code));
        response
    });
    let between = Stamped(RequireScope::all("c d").unwrap().layer(Done));
    let response = send(&mut layer.layer(between), with(&[format!("Bearer {}", good())])).await;
    let header = |name| {
        let values = response.headers().get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(response.status(), 403);
    assert_eq!(header("x-code"), ["insufficient_scope"]);
    assert_eq!(header("x-stamp"), ["1", "2"]);
    assert_eq!(header("content-length"), [""; 0]);
    assert_eq!(header("content-type"), ["application/problem+json"]);
    assert_eq!(header("www-authenticate"), [r#"Bearer error="insufficient_scope", scope="c d""#]);
    // An accepted request gets the service's own response.
    let between = Stamped(RequireScope::all("a b").unwrap().layer(Done));
    let response = send(&mut layer.layer(between), with(&[format!("Bearer {}", good())])).await;
    assert_eq!((response.status().as_u16(), response.headers().len()), (204, 3));
}

#[tokio::test]
async fn rfc6750_3_1_all_scopes_or_any_of_them() {
    let good = format!("Bearer {}", good());
    let cases = [
        (RequireScope::all("a b"), 200),
        (RequireScope::all(["a", "c"]), 403),
        (RequireScope::any(["a", "c"]), 200),
        (RequireScope::any("c b"), 200),
        (RequireScope::any(["c", "d"]), 403),
        (RequireScope::any("a"), 200),
        (RequireScope::any("A"), 403),
    ];
    for (route, status) in cases {
        let route = route.unwrap();
        let handler = Handler::new();
        let mut service = bearer().layer(route.layer(handler.clone()));
        let response = send(&mut service, request(&[good.as_bytes()])).await;
        assert_eq!(response.status().as_u16(), status, "{route:?}");
        assert_eq!(handler.seen.lock().unwrap().len(), usize::from(status == 200));
    }
    let mut service = bearer().layer(RequireScope::any(["c", "d"]).unwrap().layer(Handler::new()));
    let response = send(&mut service, request(&[good.as_bytes()])).await;
    let challenge = r#"Bearer error="insufficient_scope", scope="c d""#;
    assert_eq!(parts(&response), (403, Some(challenge), None));
}

#[tokio::test]
async fn the_events_count_and_do_not_flood() {
    let clock = TestClock::new();
    let layer = bearer().clock(clock.clone());
    let refused = |line: &String| line.contains("requests refused");
    let lines = || log::lines().into_iter().filter(refused).collect::<Vec<_>>();
    log::listen();
    let expired = vec![format!("Bearer {}", token("exp", json!(now().unix_timestamp() - 60)))];
    let no_scope = vec![format!("Bearer {}", good())];
    let mut service = layer.layer(RequireScope::all("c").unwrap().layer(Handler::new()));
    for _ in 0..100 {
        send(&mut service, with(&expired)).await;
        send(&mut service, with(&no_scope)).await;
        send(&mut service, with(&[])).await;
    }
    let error = "the JWT expired at 2027-01-15T07:59:00Z, 1 min ago (now is 2027-01-15T08:00:00Z)";
    assert_eq!(
        lines(),
        [
            format!("INFO requests refused: reason=expired count=1 error={error}"),
            "INFO requests refused: reason=insufficient_scope count=1 \
             error=the token does not have all of the scopes `c`"
                .to_owned(),
            "DEBUG requests refused: reason=no_credentials count=1 error=the request has no access token"
                .to_owned(),
        ]
    );
    clock.pass(59);
    send(&mut service, with(&[])).await;
    assert_eq!(lines(), [""; 0]);
    clock.pass(1);
    send(&mut service, with(&[])).await;
    let line =
        "DEBUG requests refused: reason=no_credentials count=101 error=the request has no access token";
    assert_eq!(lines(), [line]);
    // A clock that is set back does not silence the log.
    clock.pass(-100_000);
    send(&mut service, with(&[])).await;
    assert_eq!(lines(), [line.replace("101", "1")]);

    let issuer = ScriptedHttp::silent();
    issuer.breaks();
    for (layer, line) in [
        (
            BearerLayer::new(jwks_of(&issuer, now), verifier()),
            "WARN requests refused: reason=keys_unavailable count=1 \
             error=the keys at https://as.example/jwks are not available: the connection to as.example broke: on purpose",
        ),
        (
            BearerLayer::new(jwks(), verifier().require_scope("")),
            "ERROR requests refused: reason=misconfigured count=1 \
             error=nothing is accepted: the setting `require_scope` is empty",
        ),
    ] {
        for _ in 0..3 {
            send(&mut layer.layer(Handler::new()), with(&no_scope)).await;
        }
        assert_eq!(lines(), [line]);
    }

    // Without a layer outside, the route itself says so, once.
    let mut route = RequireScope::all("a").unwrap().layer(Handler::new());
    for _ in 0..3 {
        send(&mut route, with(&no_scope)).await;
    }
    assert_eq!(log::lines(), ["ERROR `RequireScope` is not inside of a `BearerLayer`: scope=\"a\""]);
}

/// Each refused request is an event, also where no line is written.
#[tokio::test]
async fn the_observer_sees_each_refused_request() {
    let observed = Observed::default();
    let layer = bearer().clock(TestClock::new()).observer(observed.clone());
    let mut service = layer.layer(RequireScope::all("c").unwrap().layer(Handler::new()));
    for _ in 0..2 {
        send(&mut service, with(&[])).await;
        send(&mut service, with(&[format!("Bearer {}", good())])).await;
    }
    assert_eq!(
        observed.events(|event| field(event, "count")),
        ["RequestRefused Some(1)", "RequestRefused Some(1)", "RequestRefused None", "RequestRefused None"]
    );
}
