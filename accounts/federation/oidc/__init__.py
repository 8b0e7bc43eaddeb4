"""OpenID Connect as a relying party: code flow with PKCE, ID tokens and logout tokens (Core 1.0, Back-Channel Logout 1.0)."""
