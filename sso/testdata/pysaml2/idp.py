#!/usr/bin/python3
"""An identity provider of pysaml2, for one run of the test: idp.py PORT FOLDER.

FOLDER holds key.pem, certificate.pem and, in sp, the metadata of the service providers that it
serves. Its login page believes whoever it is told: what is tested is what the library makes of our
messages, and we of its own.
"""
import glob
import html
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import verify_redirect_signature

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
BASE = f"http://127.0.0.1:{PORT}"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
PEOPLE = {
    "anna": {"mail": "anna@contoso.example", "givenName": "Anna", "sn": "Bergström & Söhne"},
    "bo": {"mail": "bo@contoso.example", "givenName": "Bo", "sn": "Lind"},
}


def server():
    """A provider that knows of the service providers of now."""
    return Server(config=IdPConfig().load({
        "entityid": BASE + "/idp",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": FOLDER + "/key.pem",
        "cert_file": FOLDER + "/certificate.pem",
        "signing_algorithm": RSA_SHA256,
        "digest_algorithm": SHA256,
        "metadata": {"local": sorted(glob.glob(FOLDER + "/sp/*.xml"))},
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(BASE + "/sso", BINDING_HTTP_REDIRECT)]},
            "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            "policy": {"default": {
                "lifetime": {"minutes": 15},
                "attribute_restrictions": None,
                "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
            }},
        }},
    }))


def asked(idp, query):
    """What a request asks for, and by whom, once its signature is known to be theirs."""
    request = idp.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT)
    known = idp.metadata.certs(request.message.issuer.text, "spsso", "signing")
    certificates = [c if isinstance(c, str) else c[1] for c in known]  # later versions name each
    if not any(verify_redirect_signature(query, idp.sec.sec_backend, c) for c in certificates):
        raise ValueError("the request is not signed by the service provider")
    return {name: value for name, value in idp.response_args(request.message).items() if name in ("in_response_to", "destination", "sp_entity_id")}


def unasked(idp, entity):
    """The same for somebody who starts here."""
    acs = idp.metadata.assertion_consumer_service(entity, BINDING_HTTP_POST)[0]["location"]
    return {"in_response_to": None, "destination": acs, "sp_entity_id": entity}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        where = urlparse(self.path)
        if where.path == "/metadata":
            return self.answer(200, str(entity_descriptor(server().config)), "application/xml")
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        idp = server()
        try:
            asked(idp, query) if where.path == "/sso" else unasked(idp, query["sp"])
        except Exception as problem:
            return self.answer(400, html.escape(repr(problem)))
        hidden = "".join(f'<input type="hidden" name="{html.escape(n)}" value="{html.escape(v)}">' for n, v in query.items())
        self.answer(200, f'<form method="post" action="{where.path}">{hidden}<input name="user"><button>Log in</button></form>')

    def do_POST(self):
        form = {n: v[0] for n, v in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        user, idp = form.pop("user", ""), server()
        if user not in PEOPLE:
            return self.answer(403, "nobody of that name")
        to = asked(idp, form) if self.path == "/sso" else unasked(idp, form["sp"])
        response = idp.create_authn_response(
            identity=PEOPLE[user], userid=user, name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="id-of-" + user),
            authn={"class_ref": PASSWORD, "authn_auth": BASE}, sign_assertion=True, sign_response=True,
            sign_alg=RSA_SHA256, digest_alg=SHA256, **to)
        sent = idp.apply_binding(BINDING_HTTP_POST, str(response), to["destination"], form.get("RelayState", ""), response=True)
        self.answer(200, sent["data"])

    def answer(self, status, text, kind="text/html; charset=utf-8"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())


HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
