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
        fact("Expiry (exp)").ends_with(", 1 min in the future")
            || fact("Expiry (exp)").ends_with(", 59 s in the future")
    );
    assert_eq!(place.browser.text("#newest").await, "POST token, client my-client: 200");
    assert_eq!(place.browser.text("#news").await, "Waiting for more requests.");
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
    let (issuer, endpoint) = (place.dev.issuer(), place.dev.token_endpoint());
    // What is in backticks in the API is code in the page.
    let reason = format!("the audience is https://other.example, expected {issuer} or {endpoint}");
    let time =
        place.browser.run("return document.querySelector('#list summary span + span').textContent").await;
    let time = time.as_str().unwrap().split(' ').nth(1).unwrap().to_owned();
    let change = format!("Change: set aud to the issuer, {issuer}");
    assert_eq!(
        summary,
        format!(
            "\u{2717}#1 {time} POST token, client my-client: 400{reason}{change}Answered: invalid_client"
        )
    );
    let code = "return [...document.querySelectorAll('#list summary code')].map((it) => it.textContent)";
    assert_eq!(
        place.browser.run(code).await,
        json!(["https://other.example", issuer, endpoint, "aud", issuer])
    );
    let failed: Vec<_> = checks.iter().filter(|[_, result, _]| result == "failed").collect();
    let compared =
        format!("got       https://other.example\naccepted  {issuer}  (recommended)\n          {endpoint}");
    assert_eq!(failed, [&["Audience (aud)".to_owned(), "failed".to_owned(), compared.clone()]]);
    let changes =
        place.browser.run("return [...document.querySelectorAll('#list li li')].map((it) => it.textContent)");
    assert_eq!(changes.await, json!([format!("set aud to the issuer, {issuer}")]));
    let marks = place
        .browser
        .run("return [...document.querySelectorAll('#list td .mark')].map((mark) => mark.innerText)")
        .await;
    let marks: Vec<String> = serde_json::from_value(marks).unwrap();
    // The list is folded, so nothing of it is visible yet.
    assert!(marks.iter().all(String::is_empty), "{marks:?}");
    let row = "return document.querySelector('#list summary').innerText";
    assert!(place.browser.run(row).await.as_str().unwrap().contains(&change));
    place.browser.run("document.querySelector('#list details').open = true").await;
    let text = place.browser.text("#list details").await;
    assert!(text.contains("What to change") && !text.contains(&change), "{text}");
    assert!(text.contains('\u{2717}') && text.contains('\u{2713}') && text.contains(&compared), "{text}");
    assert!(text.contains("\"error\": \"invalid_client\""), "{text}");
    // The newest request is announced, but not shown twice.
    assert_eq!(
        place.browser.run("return document.getElementById('newest').textContent").await,
        format!("POST token, client my-client: 400: {reason}")
    );
    assert_eq!(place.browser.run("return document.getElementById('newest').offsetWidth").await, 1);
    // On a wide screen, an opened request has the whole width.
    let widths = "const width = (id) => document.querySelector(id).getBoundingClientRect().width;
        return width('#requests') === width('main')";
    assert_eq!(place.browser.run(widths).await, true);
    place.browser.run("document.querySelector('#list details').open = false").await;
    assert_eq!(place.browser.run(widths).await, false);
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

#[tokio::test]
async fn a_repeated_request_names_the_first_and_the_setting_of_the_server_comes_last() {
    let place = Place::open().await;
    let token = place.assertion();
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &token),
        ("odd`", "one"),
    ];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..2 {
        let request = http.post(place.dev.token_endpoint()).body(form.clone());
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    }
    http.get(format!("{}no`where", place.dev.inspector())).send().await.unwrap();
    place.listed(3).await;
    let text = "return [...document.querySelectorAll('#list summary')].map((it) => it.textContent)";
    let rows: Vec<String> = serde_json::from_value(place.browser.run(text).await).unwrap();
    assert!(rows[0].contains(" GET /no`where: 404") || rows[0].contains(" GET /no%60where: 404"), "{rows:?}");
    assert!(rows[1].starts_with("\u{2717}#2 "), "{rows:?}");
    assert!(rows[1].contains("the jti was used before: request #1 at "), "{rows:?}");
    assert!(rows[1].ends_with("Answered: invalid_client"), "{rows:?}");
    assert!(rows[1].contains(" sent the same JWTChange: sign a new assertion for each request"), "{rows:?}");
    let changes = "return [...document.querySelectorAll('#list li li')].map((it) => it.textContent)";
    let changes: Vec<String> = serde_json::from_value(place.browser.run(changes).await).unwrap();
    assert_eq!(
        changes,
        [
            "sign a new assertion for each request, also for a repeated one; check whether the client or a proxy repeats \
             requests",
            "Or at the server: the builder's reusable_assertions and pkjwt serve --reuse-assertions accept it repeatedly, \
             for clients such as MSAL"
        ]
    );
}
