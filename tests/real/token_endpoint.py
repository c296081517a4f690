#!/usr/bin/env python3
"""Runs an OAuth 2.0 token endpoint made of Authlib and prints each token that it issues.

Each is a line of JSON. The one argument is a JSON object; see tests/src/real/token_endpoint.rs.
"""

import json
import ssl
import sys
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7523 import JWTBearerGrant
from flask import Flask
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

settings = json.loads(sys.argv[1])


class Client(ClientMixin):
    """A client with a secret and its grants; a service account has a key in place of the secret."""

    def __init__(self, client_id, secret, *grants):
        self.client_id, self.secret, self.grants = client_id, secret, grants

    def get_client_id(self):
        return self.client_id

    def check_client_secret(self, secret):
        return self.secret == secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in ("client_secret_post", "client_secret_basic")

    def check_grant_type(self, grant):
        return grant in self.grants

    def get_allowed_scope(self, scope):
        return scope if scope == settings["scope"] else ""


class RefreshToken:
    """The refresh token of the one client with a secret."""

    def check_client(self, client):
        return client.client_id == settings["clientId"]

    def get_scope(self):
        return settings["scope"]


class Refresh(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic"]

    def authenticate_refresh_token(self, token):
        return RefreshToken() if token == settings["refreshToken"] else None

    def authenticate_user(self, token):
        return settings["user"]

    def revoke_old_credential(self, token):
        """It can be used again."""


class Credentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_secret_basic"]


class Assertion(JWTBearerGrant):
    def resolve_issuer_client(self, issuer):
        return clients.get(issuer)

    def resolve_client_public_key(self, client):
        return RSAKey.import_key(Path(settings["serviceKey"]).read_text())

    def get_audiences(self):
        return [settings["audience"]]

    def verify_claims(self, claims):
        super().verify_claims(claims)
        if claims.get("scope") != settings["scope"]:
            raise InvalidScopeError()

    def authenticate_user(self, subject):
        return subject if subject == settings["user"] else None

    def has_granted_permission(self, client, user):
        return client.client_id == settings["serviceClient"]


def save_token(token, request):
    issued = {"grant": request.payload.grant_type, "scope": token.get("scope")}
    issued["token"] = token["access_token"]
    print(json.dumps(issued), flush=True)


clients = {
    settings["clientId"]: Client(
        settings["clientId"], settings["clientSecret"], Refresh.GRANT_TYPE, Credentials.GRANT_TYPE
    ),
    settings["serviceClient"]: Client(settings["serviceClient"], None, Assertion.GRANT_TYPE),
}
app = Flask(__name__)
server = AuthorizationServer(app, clients.get, save_token)
for grant in (Refresh, Credentials, Assertion):
    server.register_grant(grant)
app.post("/token", endpoint="token")(server.create_token_response)

tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(settings["certificate"], settings["key"])
make_server("127.0.0.1", settings["port"], app, threaded=True, ssl_context=tls).serve_forever()
