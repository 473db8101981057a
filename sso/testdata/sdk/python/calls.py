"""Calls Rollcall by the reference's client for Python: python calls.py SETTINGS, where SETTINGS is
JSON. It says what it checked, and exits with 1 at the first call that does not do what the reference
says. Where a browser is needed it prints "visit URL" and reads where the browser came."""

import json
import sys
import traceback
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import workos
from workos._errors import AuthenticationError, BadRequestError, ConflictError, NotFoundError, UnprocessableEntityError
from workos.events.models import EventSchemaUnknown

settings = json.loads(sys.argv[1])


def connect(key):
    return workos.WorkOSClient(api_key=key, client_id=settings["client"], base_url=settings["url"], max_retries=0)


client = connect(settings["key"])


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


def refused(kind, call, *args, **named):
    try:
        call(*args, **named)
    except kind as e:
        assert e.request_id and e.message, "the answer has no X-Request-ID, or no message"
        return e
    raise AssertionError(f"no {kind.__name__}")


def visit(url):
    print(f"visit {url}", flush=True)
    return {name: values[0] for name, values in parse_qs(urlsplit(sys.stdin.readline().strip()).query).items()}


made = {}


@check("an organization is created, read, changed and listed")
def _():
    from workos.organizations.models import OrganizationDomainData

    o = client.organizations.create_organization(
        name="Python Ltd", external_id="python-1", metadata={"tier": "gold"},
        domain_data=[OrganizationDomainData(domain="python.example", state="pending")])
    made["organization"] = o
    equal((o.object, o.name, o.external_id, o.metadata), ("organization", "Python Ltd", "python-1", {"tier": "gold"}))
    equal([d.domain for d in o.domains], ["python.example"])
    equal(client.organizations.get_organization(o.id), o)
    equal(client.organizations.get_organization_by_external_id("python-1"), o)
    changed = client.organizations.update_organization(o.id, name="Python plc", external_id=None)
    equal((changed.name, changed.external_id), ("Python plc", None))
    equal([x.name for x in client.organizations.list_organizations(limit=1).auto_paging_iter()], ["Python plc", "Contoso"])


@check("a domain is created, read and deleted")
def _():
    d = client.organization_domains.create_organization_domain(domain="second.example", organization_id=made["organization"].id)
    equal((d.object, d.domain, d.organization_id), ("organization_domain", "second.example", made["organization"].id))
    equal(client.organization_domains.get_organization_domain(d.id).id, d.id)
    # An application has the DNS record looked for; only the operator's word verifies without one.
    equal(client.organization_domains.verify_organization_domain(d.id).state, "pending")
    equal(connect(settings["operator"]).organization_domains.verify_organization_domain(d.id).state, "verified")
    client.organization_domains.delete_organization_domain(d.id)
    refused(NotFoundError, client.organization_domains.get_organization_domain, d.id)


@check("a link to the set-up portal is made")
def _():
    made_link = client.admin_portal.generate_link(
        organization=made["organization"].id, intent="dsync", return_url="https://app.example/settings")
    with urllib.request.urlopen(made_link.link) as page:
        assert "Python plc" in page.read().decode()
    refused(UnprocessableEntityError, client.admin_portal.generate_link, organization=made["organization"].id, intent="audit_logs")
    refused(NotFoundError, client.admin_portal.generate_link, organization="org_unknown", intent="sso")


@check("a connection is listed and read")
def _():
    page = client.sso.list_connections(organization_id=settings["organization"], connection_type="OktaSAML")
    equal([(c.object, c.id, c.connection_type, c.state) for c in page], [("connection", settings["connection"], "OktaSAML", "active")])
    equal(client.sso.get_connection(settings["connection"]), page.data[0])


@check("a directory is listed and read, and its users and groups")
def _():
    page = client.directory_sync.list_directories(organization_id=settings["organization"])
    equal([(d.object, d.id, d.type, d.state) for d in page], [("directory", settings["directory"], "okta scim v2.0", "linked")])
    one = client.directory_sync.get_directory(settings["directory"])
    equal((one.id, one.name, one.metadata.users.active), (page.data[0].id, page.data[0].name, settings["people"]))
    users = list(client.directory_sync.list_users(directory=settings["directory"], limit=4).auto_paging_iter())
    equal(len(users), settings["people"])
    equal(len({u.id for u in users}), settings["people"])
    ada = next(u for u in users if u.email == settings["email"])
    equal((ada.object, ada.state, ada.first_name, ada.last_name), ("directory_user", "active", settings["first"], settings["last"]))
    equal(client.directory_sync.get_user(ada.id), ada)
    equal([u.id for u in client.directory_sync.list_users(directory=settings["directory"], email=settings["email"])], [ada.id])
    groups = client.directory_sync.list_groups(directory=settings["directory"], user=ada.id)
    equal(sorted(g.name for g in groups), sorted(g.name for g in ada.groups))
    equal(client.directory_sync.get_group(groups.data[0].id), groups.data[0])
    assert any(u.id == ada.id for u in client.directory_sync.list_users(group=groups.data[0].id).auto_paging_iter())


@check("somebody signs in, and the application is told who")
def _():
    came = visit(client.sso.get_authorization_url(
        organization=settings["organization"], redirect_uri=settings["callback"], state="a state"))
    equal(came["state"], "a state")
    answer = client.sso.get_profile_and_token(code=came["code"])
    p = answer.profile
    equal((p.email, p.first_name, p.last_name, p.connection_id, p.connection_type, p.organization_id),
          (settings["email"], settings["first"], settings["last"], settings["connection"], "OktaSAML", settings["organization"]))
    assert p.groups and p.role.slug and p.idp_id
    equal(client.sso.get_profile(access_token=answer.access_token), p)
    e = refused(BadRequestError, client.sso.get_profile_and_token, code=came["code"])
    equal((e.error, bool(e.error_description)), ("invalid_grant", True))
    assert client.sso.authorize_logout(profile_id=p.id).logout_url.startswith(settings["url"] + "/sso/logout?token=")


@check("somebody signs in with PKCE")
def _():
    asked = client.sso.get_authorization_url_with_pkce(connection=settings["connection"], redirect_uri=settings["callback"])
    came = visit(asked["url"])
    equal(came["state"], asked["state"])
    answer = client.sso.get_profile_and_token_pkce(code=came["code"], code_verifier=asked["code_verifier"])
    equal(answer.profile.email, settings["email"])


@check("the events are read, one page after the other")
def _():
    types = ["dsync.user.created", "dsync.group.created", "dsync.group.user_added", "connection.activated",
             "authentication.sso_succeeded", "organization.created"]
    seen = list(client.events.list_events(events=types, organization_id=settings["organization"], limit=10).auto_paging_iter())
    equal(len({e.id for e in seen}), len(seen))
    assert not any(isinstance(e, EventSchemaUnknown) for e in seen), seen
    equal(sorted({e.event for e in seen}), sorted(types))
    equal(sum(e.event == "dsync.user.created" for e in seen), settings["people"])


@check("every value that can be written is one that the client knows")
def _():
    from workos.events.models import EventSchema
    from workos.sso._resource import CreateProtocolOptionsSAML
    from workos.sso.models import CreateConnectionSAMLOptions
    from workos.common.models.connection_type import ConnectionType
    from workos.common.models.directory_type import DirectoryType
    from workos.common.models.profile_connection_type import ProfileConnectionType

    def call(method, path, body=None):
        sent = urllib.request.Request(settings["url"] + path, method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {settings['operator']}", "Content-Type": "application/json"})
        try:
            return json.load(urllib.request.urlopen(sent))
        except urllib.error.HTTPError as e:
            equal(e.code, 422)
            return json.load(e)

    def types(path, member):
        refusal = call("POST", path, {"organization_id": made["organization"].id, "name": "x", member: "no such type"})
        return refusal["message"].split(" is one of ")[1].split(", ")

    for kind in types("/connections", "connection_type") + ["Pending"]:
        assert ConnectionType(kind) and ProfileConnectionType(kind)
    for kind in types("/directories", "type"):
        assert DirectoryType(kind)
    c = client.sso.create_connection(
        organization_id=made["organization"].id, external_id="once",
        protocol_options=CreateProtocolOptionsSAML(saml_options=CreateConnectionSAMLOptions(
            idp_entity_id="https://idp.example", idp_sso_url="https://idp.example/sso",
            idp_signing_certs=[settings["certificate"]])))
    equal((c.connection_type, c.state, c.name), ("GenericSAML", "draft", "Python plc"))
    equal(call("PATCH", f"/connections/{c.id}", {"state": "inactive"})["state"], "inactive")
    equal(client.sso.get_connection(c.id).state, "inactive")
    equal([r.slug for r in client.authorization.list_organization_roles(made["organization"].id).data], ["member", "admin"])
    feed = call("GET", "/events?limit=100&order=desc")["data"]
    read = [EventSchema.from_dict(e) for e in feed]
    own = {"setup_link.created", "user.access_ended", "user.created", "user.identity_linked", "user.adopted"}
    equal({e["event"] for e, r in zip(feed, read) if isinstance(r, EventSchemaUnknown)} - own, set())


@check("a webhook is verified, whatever its data is")
def _():
    hook = settings["webhook"]
    signed = {"event_signature": hook["headers"]["workos-signature"], "secret": hook["secret"]}
    event = client.webhooks.verify_event(event_body=hook["body"], **signed)
    assert not isinstance(event, EventSchemaUnknown), event
    equal((event.event, event.id), ("dsync.user.created", hook["headers"]["webhook-id"]))
    try:
        client.webhooks.verify_event(event_body=hook["body"].replace("awkward", "evil"), **signed)
    except ValueError:
        return
    raise AssertionError("a changed body was verified")


@check("a webhook endpoint is created, listed, changed and deleted")
def _():
    url = settings["hook"] + "/python"
    e = client.webhooks.create_webhook_endpoint(endpoint_url=url, events=["dsync.user.created"])
    equal((e.object, e.endpoint_url, e.status, e.events), ("webhook_endpoint", url, "enabled", ["dsync.user.created"]))
    assert e.secret.startswith("whsec_")
    assert e.id in [x.id for x in client.webhooks.list_webhook_endpoints(limit=1).auto_paging_iter()]
    changed = client.webhooks.update_webhook_endpoint(e.id, status="disabled", events=["dsync.user.deleted"])
    equal((changed.status, changed.events, changed.secret), ("disabled", ["dsync.user.deleted"], e.secret))
    equal(refused(ConflictError, client.webhooks.create_webhook_endpoint, endpoint_url=url, events=["dsync.user.created"]).code,
          "duplicate_endpoint")
    client.webhooks.delete_webhook_endpoint(e.id)
    refused(NotFoundError, client.webhooks.delete_webhook_endpoint, e.id)


@check("a refusal is the exception of its status")
def _():
    equal(refused(NotFoundError, client.organizations.get_organization, "org_01J00000000000000000000000").status_code, 404)
    refused(AuthenticationError, connect("sk_nobody_0123456789abcdef0123456789").organizations.list_organizations)
    refused(ConflictError, client.organization_domains.create_organization_domain,
            domain="python.example", organization_id=made["organization"].id)


@check("an organization, a connection and a directory are deleted")
def _():
    client.organizations.delete_organization(made["organization"].id)
    refused(NotFoundError, client.organizations.get_organization, made["organization"].id)
    client.sso.delete_connection(settings["connection"])
    refused(NotFoundError, client.sso.get_connection, settings["connection"])
    client.directory_sync.delete_directory(settings["directory"])
    refused(NotFoundError, client.directory_sync.get_directory, settings["directory"])
