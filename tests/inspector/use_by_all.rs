//! The page is for all: with a keyboard, with a screen reader, in the light and in the dark.

use super::browser::{ENTER, TAB};
use super::*;

#[tokio::test]
async fn everything_works_with_the_keyboard_alone() {
    let place = Place::open().await;
    place.client(Some("x")).token("api:read").await.unwrap_err();
    place.listed(1).await;
    let focus = async || {
        place.browser.run("const it = document.activeElement; return it.id || it.textContent.trim()").await
    };
    let mut order = Vec::new();
    for _ in 0..9 {
        place.browser.press(&[TAB]).await;
        let found = focus().await.as_str().unwrap().to_owned();
        order.push(found.chars().take(20).collect::<String>());
    }
    assert_eq!(order[..4], ["Requests", "Judge an assertion", "pause", "clear"]);
    assert!(order[4].starts_with('\u{2717}'), "{order:?}");
    assert_eq!(order[5..], ["assertion", "issuer", "endpoint", "send"]);

    // The focus is visible.
    let outline = place.browser.run("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_eq!(outline, "solid");

    // Back to the request, which opens and closes.
    for _ in 0..4 {
        place.browser.press_shifted(TAB).await;
    }
    for open in [true, false] {
        place.browser.press(&[ENTER]).await;
        assert_eq!(place.browser.run("return document.querySelector('#list details').open").await, open);
    }
    // To the form, and judge.
    place.browser.press(&[TAB]).await;
    place.browser.paste(&place.assertion()).await;
    place.browser.press(&[TAB, TAB, TAB, ENTER]).await;
    place.browser.wait_for("document.querySelectorAll('#result > details').length > 1").await;
    // The button keeps the focus, and the first judgement comes next.
    assert_eq!(focus().await, "send");
    place.browser.press(&[TAB, ENTER]).await;
    assert_eq!(place.browser.run("return document.querySelector('#result > details').open").await, true);
    // Another issuer, and the same assertion again.
    place.browser.press_shifted(TAB).await;
    place.browser.press_shifted(TAB).await;
    place.browser.press_shifted(TAB).await;
    assert_eq!(focus().await, "issuer");
    place.browser.paste("/other").await;
    place.browser.press(&[ENTER]).await;
    place.browser.wait_for("document.getElementById('result').textContent.includes('/other')").await;
}

#[tokio::test]
async fn without_a_text_the_focus_goes_where_one_is_needed() {
    let place = Place::open().await;
    place.browser.run("document.getElementById('send').focus()").await;
    place.browser.press(&[ENTER]).await;
    assert_eq!(place.browser.run("return document.activeElement.id").await, "assertion");
    assert_eq!(place.browser.text("#verdict").await, "Paste an assertion first.");
}

#[tokio::test]
async fn fields_have_labels_and_news_is_announced() {
    let place = Place::open().await;
    let labels = place.browser.run("return [...document.querySelectorAll('input, textarea')].map((field) => [...field.labels].map((label) => label.textContent))").await;
    assert_eq!(
        labels,
        json!([["Assertion"], ["Issuer of the server that it is for"], ["Token endpoint of that server"]])
    );
    let live = place.browser.run("return [...document.querySelectorAll('[role=status]')].map((it) => [it.id, it.getAttribute('aria-live')])").await;
    assert_eq!(live, json!([["news", "polite"], ["newest", "polite"], ["verdict", "polite"]]));
    assert_eq!(place.browser.run("return document.documentElement.lang").await, "en");
    // Pausing stops the list, and going on catches up.
    place.browser.run("document.getElementById('pause').click()").await;
    assert_eq!(
        place.browser.run("return document.getElementById('pause').getAttribute('aria-pressed')").await,
        "true"
    );
    place.client(None).token("api:read").await.unwrap();
    assert_eq!(place.browser.text("#news").await, "Paused.");
    assert_eq!(place.browser.run("return document.querySelectorAll('#list > li').length").await, 0);
    place.browser.run("document.getElementById('pause').click()").await;
    place.listed(1).await;
}

#[tokio::test]
async fn text_is_readable_in_the_light_and_in_the_dark() {
    let place = Place::open().await;
    place.client(None).token("api:read").await.unwrap();
    place.client(Some("https://other.example")).token("api:read").await.unwrap_err();
    place.listed(2).await;
    place.browser.run("document.querySelector('#list details').open = true").await;
    place.judge(&place.assertion()).await;
    let mut grounds = Vec::new();
    let mut pictures = Vec::new();
    for scheme in ["light", "dark"] {
        place.browser.prefer(scheme).await;
        if scheme == "light" {
            // The opened request, for the picture.
            place.browser.run("window.scrollTo(0, 0)").await;
        } else {
            // The other half of the page, for the picture.
            place.browser.run(OKTA).await;
        }
        let ground = place.browser.run("return getComputedStyle(document.body).backgroundColor").await;
        let ground = channels(ground.as_str().unwrap());
        let raised =
            place.browser.run("return getComputedStyle(document.querySelector('pre')).backgroundColor").await;
        let raised = channels(raised.as_str().unwrap());
        for selector in ["body", "a", ".failed", ".passed", ".reason", "th", "button", "textarea", "pre"] {
            let color = place
                .browser
                .run(&format!("return getComputedStyle(document.querySelector('{selector}')).color"))
                .await;
            let color = channels(color.as_str().unwrap());
            for ground in [ground, raised] {
                // WCAG 2.2, 1.4.3.
                let contrast = contrast(color, ground);
                assert!(contrast >= 4.5, "{scheme} {selector}: {contrast}");
            }
        }
        grounds.push(ground);
        pictures.push((scheme, place.browser.picture().await));
    }
    assert!(luminance(grounds[0]) > 0.8 && luminance(grounds[1]) < 0.1, "{grounds:?}");
    for (_, picture) in &pictures {
        assert!(picture.starts_with(b"\x89PNG"));
    }
    if let Some(folder) = std::env::var_os("PRIVATE_KEY_JWT_SCREENSHOTS") {
        for (scheme, picture) in pictures {
            std::fs::write(std::path::Path::new(&folder).join(format!("inspector-{scheme}.png")), picture)
                .unwrap();
        }
    }
}

/// Opens the judgement under Okta's rules, and scrolls to it.
const OKTA: &str = "const all = [...document.querySelectorAll('#result > details')];
    const okta = all.find((it) => it.querySelector('summary').textContent.startsWith('\u{2717}Okta'));
    okta.open = true;
    document.getElementById('verdict').scrollIntoView();";

/// The numbers of `rgb(1, 2, 3)`.
fn channels(color: &str) -> [f64; 3] {
    let numbers = color.trim_start_matches("rgba(").trim_start_matches("rgb(").trim_end_matches(')');
    let numbers: Vec<f64> = numbers.split(", ").map(|number| number.parse().unwrap()).collect();
    [numbers[0], numbers[1], numbers[2]]
}

/// WCAG 2.2, relative luminance.
fn luminance(color: [f64; 3]) -> f64 {
    let linear = |channel: f64| {
        let share = channel / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = color.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}
