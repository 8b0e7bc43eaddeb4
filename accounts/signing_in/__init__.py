"""How people sign in, prove again who they are, and stay signed in: factors, policy, step-up, sessions, limits."""
