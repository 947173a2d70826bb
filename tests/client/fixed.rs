//! A source that always returns the same token: for tests of code that takes a `TokenSource`.

use private_key_jwt::TokenSource;

use crate::support::{MARK, has_mark};

#[tokio::test]
async fn a_fixed_source_always_returns_its_token_and_cannot_be_emptied() {
    let tokens = TokenSource::fixed(MARK);
    let token = tokens.token().await.unwrap();
    assert_eq!((token.bearer(), token.token_type(), token.expires_at()), (Some(MARK), "Bearer", None));
    assert!(!tokens.invalidate(&token) && !tokens.has_ended());
    assert_eq!(tokens.refresh_token(), None);
    assert_eq!(tokens.clone().token().await.unwrap().secret(), MARK);
    assert!(!has_mark(&format!("{tokens:?} {tokens:#?}")));
}

#[cfg(feature = "reqwest-middleware")]
#[tokio::test]
async fn the_middleware_sends_a_fixed_token_once_even_if_it_is_rejected() {
    use private_key_jwt::client::BearerMiddleware;
    use wiremock::matchers::{any, header};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    let api = MockServer::start().await;
    let sent = || Mock::given(header("authorization", "Bearer token"));
    sent().respond_with(ResponseTemplate::new(401)).up_to_n_times(1).expect(1).mount(&api).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&api).await;
    let bearer = BearerMiddleware::new(TokenSource::fixed("token")).origin(&api.uri()).unwrap();
    let http = bearer.client(reqwest::Client::builder()).unwrap();
    assert_eq!(http.get(api.uri()).send().await.unwrap().status(), 401);
}
