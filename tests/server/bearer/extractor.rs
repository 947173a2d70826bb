//! The axum extractor, with the layer, without it, and with another one.

use axum::body::{Body, to_bytes};
use axum::extract::FromRef;
use axum::response::IntoResponse;
use axum::{Extension, Router, routing::get};
use private_key_jwt::server::{Bearer, BearerRejection, BearerState, RefusalReason};

use super::{
    AUDIENCE, AUTHORIZATION, AccessTokenClaims, AccessTokenVerifier, Arc, BearerLayer, CHALLENGE, ISSUER,
    Mutex, Request, RequireScope, Service, WWW_AUTHENTICATE, bearer, good, json, jwks, poll_fn, token,
    verifier,
};

#[derive(Debug, serde::Deserialize)]
struct Caller {
    sub: String,
    tenant: Option<String>,
}

async fn orders(caller: Bearer<Caller>) -> String {
    let scope = caller.token.has_scope("a");
    format!("{} {:?} {scope}", caller.claims.sub, caller.claims.tenant)
}

async fn anyone(caller: Option<Bearer<Caller>>) -> String {
    caller.map_or_else(|| "a stranger".to_owned(), |caller| caller.claims.sub)
}

fn routes() -> Router<BearerState> {
    Router::new().route("/orders", get(orders)).route("/anyone", get(anyone))
}

/// Status, challenge and body.
async fn call(router: &Router, path: &str, token: Option<&str>) -> (u16, Option<String>, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut router = router.clone();
    poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut router, context)).await.unwrap();
    let response = router.call(request.body(Body::empty()).unwrap()).await.unwrap();
    let challenge = response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

fn answer(status: u16, challenge: &str, body: &str) -> (u16, Option<String>, String) {
    (status, (!challenge.is_empty()).then(|| challenge.to_owned()), body.to_owned())
}

#[tokio::test]
async fn the_claims_of_the_caller_with_the_layer_or_the_state_alone() {
    let bearer = bearer();
    let alone = routes().with_state(bearer.state());
    let layered = alone.clone().layer(bearer);
    let of_tenant = token("tenant", json!("t1"));
    for router in [&alone, &layered] {
        let found = call(router, "/orders", Some(&of_tenant)).await;
        assert_eq!(found, answer(200, "", "user-1 Some(\"t1\") true"));
        assert_eq!(call(router, "/orders", Some(&good())).await, answer(200, "", "user-1 None true"));
        assert_eq!(call(router, "/orders", None).await, answer(401, CHALLENGE, ""));
        let expired = token("exp", json!(1));
        assert_eq!(call(router, "/orders", Some(&expired)).await, answer(401, super::INVALID_TOKEN, ""));
    }
    // Without the layer, a handler may serve callers without a token, but none with a bad one.
    assert_eq!(call(&alone, "/anyone", None).await, answer(200, "", "a stranger"));
    assert_eq!(call(&alone, "/anyone", Some(&good())).await, answer(200, "", "user-1"));
    let bad = token("aud", json!("https://other.example"));
    assert_eq!(call(&alone, "/anyone", Some(&bad)).await, answer(401, super::INVALID_TOKEN, ""));
    assert_eq!(call(&layered, "/anyone", None).await, answer(401, CHALLENGE, ""));
}

#[tokio::test]
async fn a_token_that_the_layer_has_checked_is_not_checked_again() {
    async fn same(Extension(checked): Extension<Arc<AccessTokenClaims>>, caller: Bearer<Caller>) -> String {
        Arc::ptr_eq(&checked, &caller.token).to_string()
    }
    let bearer = bearer();
    let router = Router::new().route("/", get(same)).with_state(bearer.state()).layer(bearer);
    assert_eq!(call(&router, "/", Some(&good())).await, answer(200, "", "true"));
}

/// The layer of other issuers does not admit to a handler of this one.
#[tokio::test]
async fn a_token_that_another_layer_has_checked_is_checked_again() {
    let ours = BearerLayer::new(jwks(), AccessTokenVerifier::new(ISSUER, "https://admin.example"));
    let router = routes().with_state(ours.state()).layer(bearer());
    let challenge = r#"Bearer realm="https://admin.example", error="invalid_token""#;
    assert_eq!(call(&router, "/orders", Some(&good())).await, answer(401, challenge, ""));
    let both = token("aud", json!([AUDIENCE, "https://admin.example"]));
    assert_eq!(call(&router, "/orders", Some(&both)).await, answer(200, "", "user-1 None true"));
    assert_eq!(ours.refused(RefusalReason::Audience), 1);
}

#[tokio::test]
async fn claims_that_do_not_fit_are_an_invalid_token_and_the_hooks_are_told_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let bearer = bearer().problem_details().on_refusal(move |parts, refusal| {
        log.lock().unwrap().push(format!("{} {}: {refusal}", parts.uri.path(), refusal.reason()));
    });
    let alone = routes().with_state(bearer.state());
    let layered = alone.clone().layer(bearer.clone());
    let unfit = token("tenant", json!(7));
    let body = r#"{"title":"Unauthorized","status":401,"detail":"the access token is not valid","error":"invalid_token"}"#;
    for router in [&alone, &layered] {
        assert_eq!(call(router, "/orders", Some(&unfit)).await, answer(401, super::INVALID_TOKEN, body));
        let found = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(found, ["/orders claims: the claims do not fit the requested type"]);
    }
    assert_eq!(bearer.refused(RefusalReason::Claims), 2);
}

#[tokio::test]
async fn a_state_of_the_users_own_and_scopes_per_route() {
    #[derive(Clone)]
    struct App {
        bearer: BearerState,
        greeting: &'static str,
    }
    impl FromRef<App> for BearerState {
        fn from_ref(app: &App) -> Self {
            app.bearer.clone()
        }
    }
    async fn greet(axum::extract::State(app): axum::extract::State<App>, caller: Bearer<Caller>) -> String {
        format!("{} {}", app.greeting, caller.claims.sub)
    }
    let bearer = BearerLayer::for_issuers([(jwks(), verifier())]).unwrap();
    let app = App { bearer: bearer.state(), greeting: "hello" };
    let router = Router::new()
        .route("/a", get(greet).layer(RequireScope::any(["a", "c"]).unwrap()))
        .route("/c", get(greet).layer(RequireScope::all(["a", "c"]).unwrap()))
        .with_state(app)
        .layer(bearer.problem_details());
    assert_eq!(call(&router, "/a", Some(&good())).await, answer(200, "", "hello user-1"));
    let challenge = r#"Bearer error="insufficient_scope", scope="a c""#;
    let body = r#"{"title":"Forbidden","status":403,"detail":"the access token does not have the required scope","error":"insufficient_scope","scope":"a c"}"#;
    assert_eq!(call(&router, "/c", Some(&good())).await, answer(403, challenge, body));
}

#[tokio::test]
async fn a_handler_may_look_at_the_rejection() {
    async fn look(caller: Result<Bearer<Caller>, BearerRejection>) -> axum::response::Response {
        match caller {
            Ok(caller) => caller.claims.sub.into_response(),
            Err(rejection) if rejection.refusal().reason() == RefusalReason::Expired => {
                "log in again".into_response()
            }
            Err(rejection) => rejection.into_response(),
        }
    }
    let router = Router::new().route("/", get(look)).with_state(bearer().state());
    assert_eq!(call(&router, "/", Some(&token("exp", json!(1)))).await, answer(200, "", "log in again"));
    assert_eq!(call(&router, "/", None).await, answer(401, CHALLENGE, ""));
}
