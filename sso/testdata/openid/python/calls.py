"""Signs a person in by authlib: python calls.py SETTINGS, where SETTINGS is JSON. It says what it
checked, and exits with 1 at the first call that fails. Where a browser is needed it prints "visit URL"
and reads where the browser came."""

import json
import os
import sys
import traceback
import warnings

warnings.filterwarnings("ignore")
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

settings = json.loads(sys.argv[1])
kept = {}


def check(what):
    def run(test):
        try:
            test()
        except Exception:
            print(f"FAIL {what}:")
            traceback.print_exc(file=sys.stdout)
            sys.exit(1)
        print(f"ok   {what}", flush=True)

    return run


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


@check("the provider is discovered")
def discover():
    kept["server"] = requests.get(settings["url"] + "/.well-known/openid-configuration", timeout=30).json()
    equal(kept["server"]["issuer"], settings["url"])


@check("a person signs in with PKCE and nonce")
def sign_in():
    server = kept["server"]
    client = kept["client"] = OAuth2Session(settings["client"], settings["key"], redirect_uri=settings["callback"],
                                            scope="openid profile email offline_access", code_challenge_method="S256")
    verifier, nonce = generate_token(48), generate_token(20)
    location, _ = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce,
                                                  connection=settings["connection"])
    print("visit " + location, flush=True)
    back = sys.stdin.readline().strip()
    token = kept["token"] = client.fetch_token(server["token_endpoint"], authorization_response=back,
                                               code_verifier=verifier)
    keys = JsonWebKey.import_key_set(requests.get(server["jwks_uri"], timeout=30).json())
    claims = jwt.decode(token["id_token"], keys, claims_cls=CodeIDToken, claims_options={
        "iss": {"essential": True, "value": settings["url"]}, "aud": {"essential": True, "value": settings["client"]}},
        claims_params={"nonce": nonce, "client_id": settings["client"], "access_token": token["access_token"]})
    claims.validate()
    equal(claims["email"], settings["email"])
    equal(claims["organization_id"], settings["organization"])


@check("userinfo is about the same person")
def userinfo():
    equal(kept["client"].get(kept["server"]["userinfo_endpoint"]).json()["email"], settings["email"])


@check("a token is refreshed, introspected and revoked")
def refresh():
    client, server, old = kept["client"], kept["server"], kept["token"]["refresh_token"]
    assert client.refresh_token(server["token_endpoint"], refresh_token=old)["access_token"]
    equal(client.introspect_token(server["introspection_endpoint"], token=old).json()["active"], True)
    equal(client.revoke_token(server["revocation_endpoint"], token=old).status_code, 200)
    try:
        client.refresh_token(server["token_endpoint"], refresh_token=old)
    except OAuthError as refused:
        equal(refused.error, "invalid_grant")
    else:
        raise AssertionError("a revoked token is refreshed")
