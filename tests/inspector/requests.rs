//! Requests, their checks and their answers appear as they come.

use super::*;

#[tokio::test]
async fn a_request_appears_without_a_reload_with_a_tick_for_every_check() {
    let place = Place::open().await;
    assert_eq!(place.browser.text("#news").await, "Waiting for requests.");
    place.client(None).token("api:read").await.unwrap();
    place.listed(1).await;
    let (summary, checks) = place.newest().await;
    assert!(summary.ends_with("POST token, client my-client: 200"), "{summary}");
    assert_eq!(checks.len(), 16);
    assert!(checks.iter().all(|[_, result, _]| result == "passed"), "{checks:?}");
    let fact = |name: &str| checks.iter().find(|[found, ..]| found == name).unwrap()[2].clone();
    assert_eq!(fact("Audience (aud)"), place.dev.issuer());
    assert!(
        fact("Expiry (exp)").ends_with("in 60 seconds") || fact("Expiry (exp)").ends_with("in 59 seconds")
    );
    assert_eq!(place.browser.text("#news").await, "POST token, client my-client: 200");
    // Every later request appears as well, the newest first.
    place.client(None).introspect("x").await.unwrap();
    place.listed(2).await;
    assert!(place.newest().await.0.contains("POST introspection"));
    assert_eq!(place.browser.console().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_request_has_a_cross_and_says_why() {
    let place = Place::open().await;
    place.client(Some("https://other.example")).token("api:read").await.unwrap_err();
    place.listed(1).await;
    let (summary, checks) = place.newest().await;
    let reason = format!(
        "the audience is `https://other.example`, expected `{}` or `{}`",
        place.dev.issuer(),
        place.dev.token_endpoint()
    );
    assert!(summary.contains("POST token, client my-client: 400") && summary.ends_with(&reason), "{summary}");
    let failed: Vec<_> = checks.iter().filter(|[_, result, _]| result == "failed").collect();
    assert_eq!(failed, [&["Audience (aud)".to_owned(), "failed".to_owned(), reason.clone()]]);
    let marks = place
        .browser
        .run("return [...document.querySelectorAll('#list td .mark')].map((mark) => mark.innerText)")
        .await;
    let marks: Vec<String> = serde_json::from_value(marks).unwrap();
    // The list is folded, so nothing of it is visible yet.
    assert!(marks.iter().all(String::is_empty), "{marks:?}");
    place.browser.run("document.querySelector('#list details').open = true").await;
    let text = place.browser.text("#list details").await;
    assert!(text.contains('\u{2717}') && text.contains('\u{2713}') && text.contains(&reason), "{text}");
    assert!(text.contains("\"error\": \"invalid_client\""), "{text}");
    assert!(place.browser.text("#news").await.ends_with(&reason));
}

#[tokio::test]
async fn no_token_and_no_signature_is_in_the_page() {
    let place = Place::open().await;
    let token = place.client(None).token("api:read").await.unwrap();
    place.listed(1).await;
    let assertion = place.assertion();
    place.judge(&assertion).await;
    assert_eq!(place.browser.run("return document.getElementById('assertion').value").await, "");
    let page = place.browser.run("return document.documentElement.outerHTML").await;
    let page = page.as_str().unwrap();
    for secret in [token.secret(), &assertion, assertion.rsplit('.').next().unwrap()] {
        assert!(!page.contains(secret));
    }
    assert!(!page.contains("eyJ"));
}

#[tokio::test]
async fn the_page_says_when_the_server_is_gone() {
    let Place { dev, browser, .. } = Place::open().await;
    drop(dev);
    browser.wait_for("document.getElementById('news').textContent === 'The server does not answer.'").await;
}
