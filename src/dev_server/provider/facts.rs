//! The demands of each provider. Where its documentation and tests with it say nothing, the demand
//! is that of [`Provider::STRICT`].

use super::kind::{KeyIdDemand, Provider};
use super::texts;

/// The providers of all named profiles.
pub(super) const ALL: &[Provider] = &[
    Provider { names: &["at-protocol", "atproto"], answers: Some(&texts::BARE), ..Provider::STRICT },
    Provider { names: &["auth0"], answers: Some(&texts::BARE), ..Provider::STRICT },
    Provider {
        names: &["entra-id"],
        key_id: KeyIdDemand::OrThumbprint,
        // MSAL sends one assertion with every request for ten minutes.
        once: false,
        answers: Some(&texts::ENTRA_ID),
        ..Provider::STRICT
    },
    Provider { names: &["fapi2"], fapi2: true, ..Provider::STRICT },
    Provider { names: &["forgerock"], answers: Some(&texts::FORGEROCK), ..Provider::STRICT },
    Provider { names: &["hydra"], leeway: 0, answers: Some(&texts::HYDRA), ..Provider::STRICT },
    Provider { names: &["ibm-verify"], answers: Some(&texts::IBM_VERIFY), ..Provider::STRICT },
    Provider {
        names: &["keycloak"],
        leeway: 15,
        usable_for: Some(60),
        answers: Some(&texts::KEYCLOAK),
        ..Provider::STRICT
    },
    Provider { names: &["login-gov"], answers: Some(&texts::LOGIN_GOV), ..Provider::STRICT },
    Provider { names: &["mcp"], ..Provider::STRICT },
    Provider { names: &["nhs-england"], answers: Some(&texts::NHS_ENGLAND), ..Provider::STRICT },
    Provider {
        names: &["okta"],
        key_id: KeyIdDemand::WithSeveralKeys,
        needs_jti: false,
        answers: Some(&texts::OKTA),
        ..Provider::STRICT
    },
    Provider {
        names: &["ping-federate"],
        // Replay prevention is off by default.
        needs_jti: false,
        once: false,
        answers: Some(&texts::PING_FEDERATE),
        ..Provider::STRICT
    },
    Provider {
        names: &["ping-one"],
        needs_jti: false,
        once: false,
        answers: Some(&texts::PING_ONE),
        ..Provider::STRICT
    },
    Provider { names: &["salesforce"], answers: Some(&texts::BARE), ..Provider::STRICT },
    Provider { names: &["singpass"], answers: Some(&texts::SINGPASS), ..Provider::STRICT },
    Provider {
        names: &["smart", "smart-backend-services"],
        answers: Some(&texts::SMART),
        ..Provider::STRICT
    },
    Provider { names: &["spring"], answers: Some(&texts::BARE), ..Provider::STRICT },
    Provider {
        names: &["zitadel"],
        leeway: 1,
        once: false,
        answers: Some(&texts::ZITADEL),
        ..Provider::STRICT
    },
];
