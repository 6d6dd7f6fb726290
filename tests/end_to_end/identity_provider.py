"""A small OpenID Connect provider: discovery, authorisation code with PKCE, JWKS, userinfo.

People sign in by pressing the button with their name. What a real provider refuses (a wrong secret,
a foreign redirect, a code used twice, a verifier that does not fit) is refused here as well, and
``refusals`` tells so.
"""

import base64
import hashlib
import html
import secrets
import time
from contextlib import contextmanager
from urllib.parse import urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.loopback import served

CLIENT_ID, CLIENT_SECRET, KEY_ID = "agon", "only-for-tests", "key-1"


class IdentityProvider:
    """``people`` maps a subject to the claims the provider makes about it."""

    def __init__(self, people):
        self.people, self.redirect_uri = people, ""
        self.url = ""
        self.refusals, self.codes, self.tokens = [], {}, {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def application(self):
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.discovery)
        app.router.add_get("/favicon.ico", self.no_icon)
        app.router.add_get("/authorize", self.ask_who)
        app.router.add_post("/authorize", self.send_back)
        app.router.add_post("/token", self.token)
        app.router.add_get("/jwks", self.keys)
        app.router.add_get("/userinfo", self.userinfo)
        return app

    async def discovery(self, _request):
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def no_icon(self, _request):
        return web.Response(status=204)

    async def ask_who(self, request):
        """The page where people would enter their password."""
        asked = dict(request.query)
        wanted = {
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "code_challenge_method": "S256",
        }
        wrong = {name for name, value in wanted.items() if asked.get(name) != value}
        if wrong or "openid" not in asked.get("scope", "").split():
            return self._refuse(f"authorisation: {sorted(wrong)} of {asked}")
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        names = [*self.people, "nobody"]
        buttons = "".join(f'<button name="who" value="{who}">{who}</button>' for who in names)
        page = f'<!doctype html><form method="post">{fields}{buttons}</form>'
        return web.Response(text=page, content_type="text/html")

    async def send_back(self, request):
        asked = await request.post()
        told = {"state": asked["state"]}
        if asked["who"] in self.people:
            told["code"] = secrets.token_urlsafe(16)
            self.codes[told["code"]] = asked
        else:
            told["error"] = "access_denied"
        raise web.HTTPFound(f"{self.redirect_uri}?{urlencode(told)}")

    async def token(self, request):
        sent = await request.post()
        given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {given}":
            return self._refuse("token: the client's secret is wrong")
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or sent.get("redirect_uri") != self.redirect_uri:
            return self._refuse("token: this code was not given out, or is spent")
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return self._refuse("token: the verifier does not fit the challenge")
        access = secrets.token_urlsafe(16)
        self.tokens[access] = asked["who"]
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= self._claims(asked["who"])
        signed = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})
        return web.json_response(
            {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": signed}
        )

    async def keys(self, _request):
        numbers = self._key.public_key().public_numbers()

        def text(number):
            raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
            return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
        return web.json_response({"keys": [{**key, "n": text(numbers.n), "e": text(numbers.e)}]})

    async def userinfo(self, request):
        who = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if who is None:
            return self._refuse("userinfo: unknown access token")
        return web.json_response(self._claims(who))

    def _claims(self, who):
        return {"sub": who, **self.people[who]}

    def _refuse(self, why):
        self.refusals.append(why)
        return web.json_response({"error": "invalid_request", "why": why}, status=400)


@contextmanager
def run_in_thread(provider):
    """Serve on loopback while the block runs."""
    with served(provider.application()) as provider.url:
        yield provider
