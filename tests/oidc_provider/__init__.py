"""Identity providers on loopback: an honest one (npm's oidc-provider), and one that lies as a test tells it to."""
