//! A pasted assertion is judged.

use super::*;

#[tokio::test]
async fn a_pasted_assertion_is_judged_under_each_profile() {
    let place = Place::open().await;
    place.judge(&place.assertion()).await;
    let titles = place.browser.run("return [...document.querySelectorAll('#result > details > summary')].map((summary) => [summary.children[1].textContent, summary.children[0].getAttribute('aria-label')])").await;
    let titles: Vec<[String; 2]> = serde_json::from_value(titles).unwrap();
    let expected: Vec<String> = std::iter::once("This server".to_owned())
        .chain(Profile::known().map(|(_, profile)| profile.name().to_owned()))
        .collect();
    assert_eq!(titles.iter().map(|[title, _]| title.clone()).collect::<Vec<_>>(), expected);
    let of = |title: &str| titles.iter().find(|[found, _]| found == title).unwrap()[1].clone();
    assert_eq!((of("This server").as_str(), of("FAPI 2.0").as_str()), ("passed", "passed"));
    assert_eq!((of("Okta").as_str(), of("Auth0").as_str()), ("failed", "failed"));
    let accepted = titles.iter().filter(|[_, result]| result == "passed").count();
    assert_eq!(
        place.browser.text("#verdict").await,
        format!("{accepted} of {} sets of rules accept it.", titles.len())
    );
    place.browser.run("[...document.querySelectorAll('#result > details')].find((it) => it.textContent.startsWith('\u{2717}Okta')).open = true").await;
    let okta = place.browser.text("#result > details[open]").await;
    assert!(okta.contains("must be the endpoint invoked for the request"), "{okta}");
    // The page does not list its own requests, and the assertion is still unused.
    assert_eq!(place.browser.run("return document.querySelectorAll('#list > li').length").await, 0);
}

#[tokio::test]
async fn a_paste_over_the_limit_is_harmless() {
    let place = Place::open().await;
    let long = unsigned(&json!({"iss": "x".repeat(20_000)}));
    place.judge(&long).await;
    let verdict = place.browser.text("#verdict").await;
    assert!(verdict.starts_with("0 of "), "{verdict}");
    let result = place.browser.text("#result > details").await;
    assert!(
        result.contains(&format!("the JWT has {} bytes, at most 16384 are read", long.len())),
        "{result}"
    );
    place.judge(&"a.b.c".repeat(20_000)).await;
    assert_eq!(
        place.browser.text("#verdict").await,
        "The text has 100000 characters. No server reads an assertion of that length."
    );
    assert_eq!(place.browser.run("return document.getElementById('result').children.length").await, 0);
}
