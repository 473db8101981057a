"""Provisions, changes and removes people and a group with scim2-client.

The library builds its models from the server's own /Schemas and /ResourceTypes and raises when an
answer does not keep to them or to the RFCs, so every call below is a check of its own.
Usage: client.py BASE_URL TOKEN
"""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, ResponseParameters, SCIMException, SearchRequest

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def check(what, got, want):
    """Prints a passed check as one line, and ends the run at the first that fails."""
    if got != want:
        sys.exit(f"FAIL {what}: got {got!r}, want {want!r}")
    print(f"ok   {what}")


def refused(what, status, call, *args, **kwargs):
    """Checks that a call is answered with a SCIM error of this status."""
    try:
        answer = call(*args, **kwargs)
    except SCIMException as error:
        check(what, int(error.status), status)
        return
    sys.exit(f"FAIL {what}: got {answer!r}, want an error {status}")


def patch(model, *operations):
    return PatchOp[model](operations=[PatchOperation(**o) for o in operations])


def people(scim, User, Enterprise):
    """Takes two people through create, find, replace and patch, and returns them."""
    created = []
    for given in ("Ada", "Bob"):
        person = User(
            user_name=f"{given}.Client@northwind.example",
            external_id=f"client-{given}",
            name=User.Name(given_name=given, family_name="Client"),
            display_name=f"{given} Client",
            active=True,
            emails=[User.Emails(value=f"{given}@northwind.example", type="work", primary=True)],
        )
        person[Enterprise] = Enterprise(department="Research", employee_number="7")
        created.append(scim.create(person))
    ada, bob = created
    check("create keeps the userName's spelling", ada.user_name, "Ada.Client@northwind.example")
    refused("a userName that is taken is refused", 409, scim.create, User(user_name="ADA.client@northwind.example"))

    for expression, want in (
        ('userName eq "ada.CLIENT@northwind.example"', [ada.id]),
        (f'id eq "{bob.id}"', [bob.id]),
        ('externalId eq "client-Bob"', [bob.id]),
        ('externalId eq "CLIENT-BOB"', []),
        ('emails[type eq "work"].value eq "bob@northwind.example"', [bob.id]),
        ('displayName eq "Ada Client" and userName eq "bob.client@northwind.example"', []),
    ):
        page = scim.query(User, query_parameters=SearchRequest(filter=expression))
        check(f"filter {expression}", [u.id for u in page.resources or []], want)
    page = scim.query(User, query_parameters=SearchRequest(start_index=2, count=1))
    check("a page holds what was asked for", (page.total_results, page.start_index, page.items_per_page), (2, 2, 1))
    refused("a filter on an unknown attribute is refused", 400, scim.query, User,
            query_parameters={"filter": 'shoeSize eq "43"'}, check_request_payload=False)

    ada.display_name = "Ada C. Client"
    check("replace", scim.replace(ada).display_name, "Ada C. Client")
    scim.modify(User, ada.id, patch(User,
        {"op": "replace", "path": "name.familyName", "value": "Clientova"},
        {"op": "add", "path": "phoneNumbers", "value": [{"value": "+1 555 0100", "type": "mobile"}]},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Sales"}))
    ada = scim.query(User, ada.id)
    check("patch changes what it names", (ada.name.family_name, ada.phone_numbers[0].value), ("Clientova", "+1 555 0100"))
    check("patch leaves the rest", (ada.name.given_name, ada.display_name, ada.active), ("Ada", "Ada C. Client", True))
    check("patch reaches the extension", ada[Enterprise].department, "Sales")
    only = scim.query(User, ada.id, ResponseParameters(attributes=["userName"]))
    check("attributes leaves the others out", (only.user_name, only.name, only.emails), (ada.user_name, None, None))

    scim.modify(User, ada.id, patch(User, {"op": "replace", "path": "active", "value": False}))
    check("deactivate", scim.query(User, ada.id).active, False)
    scim.modify(User, ada.id, patch(User, {"op": "replace", "path": "active", "value": True}))
    check("activate", scim.query(User, ada.id).active, True)
    return ada, bob


def group(scim, Group, ada, bob):
    """Takes a group through create, rename and changes of its members, and deletes it."""

    def members():
        return sorted(m.value for m in scim.query(Group, team.id).members or [])

    team = scim.create(Group(display_name="Client team", members=[Group.Members(value=ada.id)]))
    check("create a group with a member", members(), [ada.id])
    for what, operation, want in (
        ("add a member", {"op": "add", "path": "members", "value": [{"value": bob.id}]}, sorted([ada.id, bob.id])),
        ("add a member again", {"op": "add", "path": "members", "value": [{"value": bob.id}]}, sorted([ada.id, bob.id])),
        ("remove a member", {"op": "remove", "path": f'members[value eq "{ada.id}"]'}, [bob.id]),
        ("replace the members", {"op": "replace", "path": "members", "value": [{"value": ada.id}]}, [ada.id]),
        ("remove all members", {"op": "remove", "path": "members"}, []),
    ):
        scim.modify(Group, team.id, patch(Group, operation))
        check(what, members(), want)
    scim.modify(Group, team.id, patch(Group, {"op": "replace", "path": "displayName", "value": "Client crew"}))
    page = scim.query(Group, query_parameters=SearchRequest(filter='displayName eq "client CREW"', excluded_attributes=["members"]))
    check("find a renamed group", [(g.id, g.display_name, g.members) for g in page.resources], [(team.id, "Client crew", None)])
    scim.delete(Group, team.id)
    refused("a deleted group is gone", 404, scim.query, Group, team.id)


def main(url, token):
    scim = SyncSCIMClient(Client(base_url=url, headers={"Authorization": f"Bearer {token}"}), raise_scim_errors=True)
    scim.discover()
    User, Group = scim.get_resource_model("User"), scim.get_resource_model("Group")
    check("discovery describes users and groups", (User is not None, Group is not None), (True, True))
    ada, bob = people(scim, User, User.get_extension_model(ENTERPRISE))
    group(scim, Group, ada, bob)
    for person in (ada, bob):
        scim.delete(User, person.id)
        refused("a deleted person is gone", 404, scim.query, User, person.id)
    check("nobody is left", scim.query(User).total_results, 0)


main(*sys.argv[1:])
