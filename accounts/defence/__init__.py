"""What meets an attack that a browser can tell: requests made by other sites, and content that the policy stopped."""
