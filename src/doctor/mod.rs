//! Find out why a server rejects a client, and what to change: [`examine`] a setup, judge an
//! assertion of another library ([`ExpectedAssertion`]), or look a message up ([`explain`]).
//!
//! [`examine`] takes these steps in order, each with one [`Finding`] or more. If something cannot
//! be reached, the finding says what was not checked, and the other steps are taken.
//!
//! | step | what is examined |
//! | --- | --- |
//! | [`Key`](Step::Key) | type, size, known weaknesses, permissions of the file, dates of the certificate |
//! | [`Discovery`](Step::Discovery) | the issuer byte for byte, the token endpoint, methods and algorithms |
//! | [`Clock`](Step::Clock) | this machine's clock, compared with the server's `Date` |
//! | [`Jwks`](Step::Jwks) | the client's published keys: https, no private member, this key under this `kid`, `use` and `alg`, the time that caches may keep them |
//! | [`Profile`](Step::Profile) | the assertion under the profile and the metadata |
//! | [`Request`](Step::Request) | one real token request, and the causes of its rejection |
//! | [`Probe`](Step::Probe) | only if [`Setup::probe`] asks for it: other settings, one by one |
//!
//! ```
//! use private_key_jwt::doctor::{self, Setup, Verdict};
//! use private_key_jwt::{Algorithm, JwkSet, PrivateKey};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
//! let old = PrivateKey::generate(Algorithm::ES256)?.private_key()?;
//!
//! // The published keys lack the key that signs.
//! let setup = Setup::new("https://as.example", "client", key)
//!     .jwks(JwkSet::from(old.public_jwk().clone()).to_json())
//!     .offline();
//! let report = doctor::examine(&setup).await;
//! let wrong = report.findings().iter().find(|finding| finding.verdict == Verdict::Wrong).unwrap();
//! assert_eq!((wrong.step.as_str(), wrong.check), ("jwks", "key"));
//! assert!(wrong.text.contains("is not published"));
//! # Ok(()) }
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(example())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `ExpectedAssertion` and `explain` send nothing.
//!
//! A report contains no secret: it can go into a ticket. [`Report`] and [`Finding`] implement
//! `serde::Serialize`.
//!
//! Each check is a function of facts, in a file of its own. `examine` collects the facts with the
//! [`HttpClient`](crate::transport::HttpClient) and the [`Clock`](crate::transport::Clock) of the
//! [`Setup`].

mod assertion;
mod assertion_times;
mod clock;
mod combination;
mod difference;
mod document;
mod examine;
mod explain;
mod finding;
mod jwks;
mod key;
mod key_source;
mod metadata;
mod probe;
mod profile;
mod published;
mod recorder;
mod report;
mod request;
mod setting;
mod setup;
mod trial;
mod words;

pub use assertion::ExpectedAssertion;
pub use examine::examine;
pub use explain::explain;
pub use finding::{Finding, Step, Verdict};
pub use key_source::KeySource;
pub use report::Report;
pub use setting::Setting;
pub use setup::Setup;
