//! What others wrote is text, and other pages reach nothing.

use super::*;

#[tokio::test]
async fn no_script_of_a_claim_runs() {
    let place = Place::open().await;
    let hostile =
        "<img src=x onerror=\"window.ran = 1\"><script>window.ran = 2</script>\"'><svg onload=window.ran=3>";
    let token = unsigned(
        &json!({"iss": hostile, "sub": hostile, "aud": hostile, "jti": hostile, "typ": hostile, hostile: hostile}),
    );
    // In a request, as client, claim and parameter.
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", hostile),
            ("scope", hostile),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &token),
            (hostile, hostile),
        ])
        .finish();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let kind = "application/x-www-form-urlencoded";
    http.post(place.dev.token_endpoint()).header("content-type", kind).body(form).send().await.unwrap();
    place.listed(1).await;
    // In what is pasted.
    place.judge(&token).await;
    place.judge(hostile).await;
    place.browser.run("for (const it of document.querySelectorAll('details')) it.open = true").await;
    let text = place.browser.text("main").await;
    assert!(text.contains("<img src=x onerror="), "{text}");
    assert_eq!(place.browser.run("return window.ran").await, Value::Null);
    let counted = place.browser.run("return ['script', 'img', 'svg', 'iframe', 'link'].map((name) => document.querySelectorAll(name).length)").await;
    assert_eq!(counted, json!([1, 0, 0, 0, 1]));
    assert_eq!(place.browser.console().await, Vec::<String>::new());

    // Even a mistake of the page's script could not turn text into markup or run it.
    for attempt in [
        "document.body.innerHTML = '<b>'",
        "document.createElement('img').setAttribute('onerror', 'window.ran = 4')",
        "document.createElement('script').text = 'window.ran = 5'",
    ] {
        let script = format!("try {{ {attempt}; return 'done'; }} catch (error) {{ return error.name; }}");
        assert_eq!(place.browser.run(&script).await, "TypeError", "{attempt}");
    }
    let link = "document.addEventListener('securitypolicyviolation', () => { document.title = 'blocked'; });
        const it = document.createElement('a');
        it.href = 'javascript:window.ran = 6';
        document.body.append(it);
        it.click();";
    place.browser.run(link).await;
    place.browser.wait_for("document.title === 'blocked'").await;
    assert_eq!(place.browser.run("return window.ran").await, Value::Null);
}

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing_and_judges_nothing() {
    let place = Place::open().await;
    place.client(None).token("api:read").await.unwrap();
    place.browser.open("data:text/html,<p>another origin</p>").await;
    let base = place.dev.inspector();
    for (path, options) in [
        ("", "{}"),
        ("inspector/requests?after=0", "{}"),
        (
            "inspector/judge",
            "{ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }",
        ),
        ("inspector/judge", "{ method: 'POST', mode: 'no-cors', body: '{\"assertion\":\"a.b.c\"}' }"),
    ] {
        let read = place
            .browser
            .run(&format!("return fetch('{base}{path}', {options}).then((answer) => answer.text(), (error) => error.name)"))
            .await;
        assert_eq!(read, "TypeError", "{path}");
    }
}
