//! Amazon Cognito user pools, by their documentation (2026-11).

use super::known::TokenShape;

/// The claim `token_use` tells each kind of token.
pub(crate) const COGNITO_TOKENS: TokenShape = TokenShape {
    of_other_tokens: &[],
    one_of: Some(("token_use", &["access"])),
    ..TokenShape::new("cognito")
};
