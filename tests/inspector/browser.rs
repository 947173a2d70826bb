//! A headless Chromium, driven by WebDriver: JSON over HTTP, which needs no other crate.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The programs, each with its Debian package.
const PROGRAMS: [(&str, &str); 2] = [("chromium", "chromium"), ("chromedriver", "chromium-driver")];

/// The keys of WebDriver §17.4.2.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const SHIFT: &str = "\u{e008}";

/// A browser with one window. It ends when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let found = PROGRAMS.map(|(program, package)| (path_of(program), package));
        let missing: Vec<&str> =
            found.iter().filter(|(path, _)| path.is_none()).map(|(_, package)| *package).collect();
        assert!(missing.is_empty(), "missing: apt-get install {}", missing.join(" "));
        let [chromium, driver] = found.map(|(path, _)| path.unwrap());
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
            .expect("the port of chromedriver");
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            // Chromium's sandbox needs a user who is not root.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1200,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, session: base.clone(), http, _profile: profile };
        let session = browser.send("", capabilities).await;
        browser.session = format!("{base}/{}", session["sessionId"].as_str().unwrap());
        browser.send("/timeouts", json!({"script": 30_000})).await;
        browser
    }

    pub(crate) async fn open(&self, url: &str) {
        self.send("/url", json!({"url": url})).await;
    }

    /// Runs a function body in the page and returns its value.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.send("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until an expression is true. It is looked at whenever the page changes.
    pub(crate) async fn wait_for(&self, expression: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const look = () => {{ if ({expression}) {{ watcher.disconnect(); done(true); }} }};
             const watcher = new MutationObserver(look);
             watcher.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
             look();"
        );
        let done = self.send("/execute/async", json!({"script": script, "args": []})).await;
        assert_eq!(done, true, "{expression}");
    }

    /// The visible text of the only element of a selector.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self.run(&format!("return document.querySelector({}).innerText", json!(selector))).await;
        text.as_str().unwrap().to_owned()
    }

    /// Presses keys one after the other, with the keyboard.
    pub(crate) async fn press(&self, keys: &[&str]) {
        let press =
            |key: &&str| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        self.keyboard(keys.iter().flat_map(press).collect()).await;
    }

    /// Presses a key while shift is down.
    pub(crate) async fn press_shifted(&self, key: &str) {
        let action = |kind: &str, value: &str| json!({"type": kind, "value": value});
        let actions =
            [action("keyDown", SHIFT), action("keyDown", key), action("keyUp", key), action("keyUp", SHIFT)];
        self.keyboard(actions.into()).await;
    }

    /// Types a text into the focused element, as if it were pasted.
    pub(crate) async fn paste(&self, text: &str) {
        self.devtools("Input.insertText", json!({"text": text})).await;
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.send("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// A picture of the window, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        use base64ct::Encoding;
        let shot = self.devtools("Page.captureScreenshot", json!({"format": "png"})).await;
        base64ct::Base64::decode_vec(shot["data"].as_str().unwrap()).unwrap()
    }

    /// What the console says, such as violations of the content security policy.
    pub(crate) async fn console(&self) -> Vec<String> {
        let lines = self.send("/se/log", json!({"type": "browser"})).await;
        lines.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    async fn keyboard(&self, actions: Vec<Value>) {
        let source = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.send("/actions", json!({"actions": [source]})).await;
    }

    async fn send(&self, path: &str, body: Value) -> Value {
        let answer =
            self.http.post(format!("{}{path}", self.session)).body(body.to_string()).send().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(answer["value"].get("error").is_none(), "{path}: {}", answer["value"]);
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser too: it belongs to the driver's session.
        let session = self.session.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { drop(reqwest::Client::new().delete(session).send().await) });
            Ok::<_, std::io::Error>(())
        });
        drop(ended.join());
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn path_of(program: &str) -> Option<String> {
    let places = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&places).map(|place| place.join(program));
    found.find(|path| path.is_file()).map(|path| path.display().to_string())
}
