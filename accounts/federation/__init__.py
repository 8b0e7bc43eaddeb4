"""Single sign-on: people whom another system has recognised (OpenID Connect, SAML 2.0, LDAP), and what they get here.

Every way in ends in one value, ``claims.Assertion``; what it gives is decided in one place, ``services``.
"""
