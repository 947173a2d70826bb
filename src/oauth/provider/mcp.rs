//! The authorization servers of the Model Context Protocol.

use super::known::Named;
use crate::oauth::{Audience, Profile};

pub(super) const MCP: Named = ("mcp", Profile::mcp);

impl Profile {
    /// MCP, the extension for client credentials: the issuer as audience, and any algorithm that
    /// the server's metadata lists (`token_endpoint_auth_signing_alg_values_supported`, which such
    /// a server must have). An MCP server may use any authorization server: if it is a known one,
    /// use that one's profile.
    ///
    /// Source: the draft extension "OAuth Client Credentials" of modelcontextprotocol/ext-auth and
    /// its conformance suite, which signs with ES256, 2026-11-29. Not confirmed: whether servers
    /// accept `client_id` in the form, which the extension's example omits; the suite does.
    #[must_use]
    pub fn mcp() -> Self {
        Self::new("MCP")
            .audience(Audience::Issuer)
            .documented("the MCP extension OAuth Client Credentials, and its conformance suite", "2026-11-29")
            .noted("if the authorization server is a known one, use its profile")
            .unconfirmed("servers differ; the extension's example omits client_id")
    }
}
