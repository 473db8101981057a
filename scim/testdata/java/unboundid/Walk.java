import com.fasterxml.jackson.databind.node.TextNode;
import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.client.requests.ModifyRequestBuilder;
import com.unboundid.scim2.client.requests.SearchRequestBuilder;
import com.unboundid.scim2.common.bulk.BulkOperation;
import com.unboundid.scim2.common.bulk.BulkOperationResult;
import com.unboundid.scim2.common.exceptions.ScimException;
import com.unboundid.scim2.common.filters.Filter;
import com.unboundid.scim2.common.messages.PatchOperation;
import com.unboundid.scim2.common.messages.SortOrder;
import com.unboundid.scim2.common.types.Email;
import com.unboundid.scim2.common.types.EnterpriseUserExtension;
import com.unboundid.scim2.common.types.GroupResource;
import com.unboundid.scim2.common.types.Member;
import com.unboundid.scim2.common.types.Name;
import com.unboundid.scim2.common.types.PhoneNumber;
import com.unboundid.scim2.common.types.ResourceTypeResource;
import com.unboundid.scim2.common.types.SchemaResource;
import com.unboundid.scim2.common.types.UserResource;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.client.ClientRequestFilter;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.glassfish.jersey.apache.connector.ApacheConnectorProvider;
import org.glassfish.jersey.client.ClientConfig;

/**
 * Provisions, changes and removes people and groups with UnboundID's scim2-sdk-client, whose types
 * refuse an answer with a member that they do not know. Usage: Walk BASE_URL TOKEN [strict]
 */
final class Walk {
    private static final String CORE = "urn:ietf:params:scim:schemas:core:2.0:";
    private static final String ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    private final ScimService scim;
    private final boolean strict;

    private Walk(String url, String token, boolean strict) {
        this.strict = strict;
        // Jersey's default connector is java.net.HttpURLConnection, which has no PATCH.
        var config = new ClientConfig().connectorProvider(new ApacheConnectorProvider());
        ClientRequestFilter bearer = request -> request.getHeaders().add("Authorization", "Bearer " + token);
        scim = new ScimService(ClientBuilder.newClient(config).register(bearer).target(url));
    }

    public static void main(String[] args) {
        Check.end(() -> {
            var walk = new Walk(args[0], args[1], args.length > 2);
            walk.discovery();
            var ada = walk.person("Ada");
            var bob = walk.person("Bob");
            walk.search(ada, bob);
            walk.replace(ada);
            walk.patch(ada);
            walk.group(ada, bob);
            walk.removeByValue(ada, bob);
            walk.errors(ada);
            walk.bulk(ada);
            walk.delete(ada, bob);
            walk.pages();
        });
    }

    private interface Call {
        void run() throws ScimException;
    }

    /** Checks the status and the scimType of the error that the client raises. */
    private static void refused(String what, int status, String scimType, Call call) {
        try {
            call.run();
        } catch (ScimException e) {
            var error = e.getScimError();
            Check.equal(what, error.getStatus() + " " + error.getScimType(), status + " " + scimType);
            Check.that(what + ", with an explanation", error.getDetail() != null && !error.getDetail().isBlank());
            return;
        }
        Check.equal(what, "no error", status + " " + scimType);
    }

    private void discovery() throws ScimException {
        var config = scim.getServiceProviderConfig();
        Check.that("PATCH is supported", config.getPatch().isSupported());
        Check.that("Bulk is supported", config.getBulk().isSupported());
        Check.that("filters are supported", config.getFilter().isSupported());
        Check.that("pages by index are supported", config.getPagination().supportsIndexPagination());
        Check.that("pages by cursor are supported", config.getPagination().supportsCursorPagination());
        var types = scim.getResourceTypes().getResources();
        Check.equal("resource types", types.stream().map(ResourceTypeResource::getName).collect(Collectors.toSet()),
                Set.of("User", "Group"));
        Check.equal("a resource type", scim.getResourceType("User").getEndpoint(), URI.create("/Users"));
        var schemas = scim.getSchemas().getResources().stream().map(SchemaResource::getId).toList();
        Check.that("schemas", schemas.containsAll(List.of(CORE + "User", CORE + "Group", ENTERPRISE)));
        var attributes = scim.getSchema(ENTERPRISE).getAttributes();
        Check.that("a schema", attributes.stream().anyMatch(a -> a.getName().equals("employeeNumber")));
    }

    private UserResource get(UserResource user) throws ScimException {
        return scim.retrieve("Users", user.getId(), UserResource.class);
    }

    private UserResource person(String given) throws ScimException {
        var user = new UserResource().setUserName(given + ".Client@northwind.example")
                .setName(new Name().setGivenName(given).setFamilyName("Client"))
                .setDisplayName(given + " Client").setActive(true)
                .setEmails(new Email().setValue(given + "@northwind.example").setType("work").setPrimary(true));
        user.setExternalId("client-" + given);
        user.setExtension(new EnterpriseUserExtension().setDepartment("Research").setEmployeeNumber("7"));
        var created = scim.create("Users", user);
        Check.equal("create", created.getUserName() + " " + created.getExternalId(),
                given + ".Client@northwind.example client-" + given);
        Check.equal("create with an e-mail", created.getEmails(), user.getEmails());
        Check.equal("create with a name", created.getName(), user.getName());
        Check.equal("create as active", created.getActive(), true);
        Check.equal("create with an extension", created.getExtension(EnterpriseUserExtension.class),
                user.getExtension(EnterpriseUserExtension.class));
        Check.equal("get", get(created), created);
        Check.equal("get by location", scim.retrieve(created.getMeta().getLocation(), UserResource.class), created);
        return created;
    }

    private void search(UserResource ada, UserResource bob) throws ScimException {
        for (var filter : List.of(
                Filter.eq("userName", "ada.CLIENT@northwind.example"),
                Filter.eq("externalId", "client-Ada"),
                Filter.and(Filter.sw("displayName", "Ada"), Filter.eq("active", true)),
                Filter.hasComplexValue("emails",
                        Filter.and(Filter.eq("type", "work"), Filter.eq("value", "ada@northwind.example"))),
                Filter.not(Filter.eq("id", bob.getId())))) {
            var search = scim.searchRequest("Users").filter(filter);
            Check.equal("GET " + filter, search.invoke(UserResource.class).getResources(), List.of(ada));
            Check.equal("POST " + filter, search.invokePost(UserResource.class).getResources(), List.of(ada));
        }
        var nobody = scim.searchRequest("Users").filter(Filter.eq("userName", "nobody")).invoke(UserResource.class);
        Check.equal("a filter that nobody passes", nobody.getTotalResults(), 0);
        var sorted = scim.searchRequest("Users").sort("userName", SortOrder.DESCENDING).invoke(UserResource.class);
        Check.equal("sort", sorted.getResources(), List.of(bob, ada));
        var named = scim.retrieveRequest("Users", ada.getId()).attributes("userName").invoke(UserResource.class);
        Check.equal("attributes", named.getUserName() + " " + named.getName() + " " + named.getEmails(),
                ada.getUserName() + " null null");
    }

    private void replace(UserResource ada) throws ScimException {
        var now = get(ada).setDisplayName("Ada C. Client").setTitle("Engineer");
        var replaced = scim.replaceRequest(now).ifMatch().invoke();
        Check.equal("replace", replaced.getDisplayName() + ", " + replaced.getTitle(), "Ada C. Client, Engineer");
        Check.equal("replace leaves no other trace", get(ada), replaced);
        refused("replace what has changed since", 412, null, () -> scim.replaceRequest(now).ifMatch().invoke());
    }

    private void patch(UserResource ada) throws ScimException {
        var phone = new PhoneNumber().setValue("+1 555 0100").setType("mobile");
        scim.modifyRequest("Users", ada.getId())
                .replaceValue("emails[type eq \"work\"].value", "ada.c@northwind.example")
                .replaceValue("name.familyName", "Clientova")
                .replaceValue(ENTERPRISE + ":department", "Sales")
                .addValues("phoneNumbers", phone)
                .removeValues("title")
                .invoke(UserResource.class);
        var now = get(ada);
        var email = new Email().setValue("ada.c@northwind.example").setType("work").setPrimary(true);
        Check.equal("patch an e-mail", now.getEmails(), List.of(email));
        Check.equal("patch a part of the name", now.getName().getFamilyName(), "Clientova");
        Check.equal("patch the extension", now.getExtension(EnterpriseUserExtension.class),
                new EnterpriseUserExtension().setDepartment("Sales").setEmployeeNumber("7"));
        Check.equal("patch a telephone number", now.getPhoneNumbers(), List.of(phone));
        Check.equal("patch removes the title", now.getTitle(), null);
        Check.equal("patch leaves the rest",
                now.getName().getGivenName() + ", " + now.getDisplayName() + ", " + now.getActive(),
                "Ada, Ada C. Client, true");
        for (var active : List.of(false, true)) {
            scim.modifyRequest("Users", ada.getId()).replaceValue("active", active).invoke(UserResource.class);
            Check.equal("active " + active, get(ada).getActive(), active);
        }
    }

    private static Member member(String value) {
        return new Member().setValue(value);
    }

    private Set<String> members(GroupResource group) throws ScimException {
        var now = scim.retrieve("Groups", group.getId(), GroupResource.class).getMembers();
        return now == null ? Set.of() : now.stream().map(Member::getValue).collect(Collectors.toSet());
    }

    private ModifyRequestBuilder.Typed change(GroupResource group) {
        return scim.modifyRequest("Groups", group.getId());
    }

    private void group(UserResource ada, UserResource bob) throws ScimException {
        var team = scim.create("Groups", new GroupResource().setDisplayName("Client team")
                .setMembers(member(ada.getId())));
        Check.equal("create a group with a member", members(team), Set.of(ada.getId()));
        change(team).addValues("members", member(bob.getId())).invoke(GroupResource.class);
        Check.equal("add a member", members(team), Set.of(ada.getId(), bob.getId()));
        change(team).removeValues("members[value eq \"" + ada.getId() + "\"]").invoke(GroupResource.class);
        Check.equal("remove a member by a filter", members(team), Set.of(bob.getId()));
        var replaced = scim.replace(scim.retrieve("Groups", team.getId(), GroupResource.class)
                .setDisplayName("Client crew").setMembers(member(ada.getId()), member(bob.getId())));
        Check.equal("replace a group", replaced.getDisplayName(), "Client crew");
        Check.equal("replace the members", members(team), Set.of(ada.getId(), bob.getId()));
        var found = scim.searchRequest("Groups").filter(Filter.eq("displayName", "client CREW"))
                .excludedAttributes("members").invoke(GroupResource.class).getResources();
        Check.equal("find a group", found.stream().map(GroupResource::getId).toList(), List.of(team.getId()));
        Check.equal("find a group without its members", found.get(0).getMembers(), null);
        Check.equal("a user names its groups", get(ada).getGroups().get(0).getValue(), team.getId());
        scim.delete("Groups", team.getId());
        refused("a deleted group is gone", 404, null, () -> members(team));
    }

    /** As Entra ID writes it, which is not the RFC's way. It must never be a removal of all. */
    private void removeByValue(UserResource ada, UserResource bob) throws ScimException {
        if (strict) {
            return;
        }
        var team = scim.create("Groups", new GroupResource().setDisplayName("Client values")
                .setMembers(member(bob.getId())));
        change(team).addOperation(PatchOperation.remove("members")
                .setRemoveOpValue(List.of(member(ada.getId())), false)).invoke(GroupResource.class);
        Check.equal("remove who is no member", members(team), Set.of(bob.getId()));
        change(team).addOperation(PatchOperation.remove("members")
                .setRemoveOpValue(List.of(member(bob.getId())), false)).invoke(GroupResource.class);
        Check.equal("remove a member by its value", members(team), Set.of());
    }

    private void errors(UserResource ada) {
        refused("a userName that is taken", 409, "uniqueness",
                () -> scim.create("Users", new UserResource().setUserName("ADA.client@northwind.example")));
        refused("a user without a userName", 400, "invalidValue",
                () -> scim.create("Users", new UserResource().setDisplayName("Nobody")));
        refused("nobody", 404, null,
                () -> scim.retrieve("Users", "00000000-0000-4000-8000-000000000000", UserResource.class));
        refused("a filter that ends early", 400, "invalidFilter",
                () -> scim.searchRequest("Users").queryParam("filter", "userName eq").invoke(UserResource.class));
        refused("a path that is not there", 400, "invalidPath", () -> scim.modifyRequest("Users", ada.getId())
                .addOperation(PatchOperation.replace("shoeSize", TextNode.valueOf("43"))).invoke(UserResource.class));
        refused("an id of the client's own", 400, "mutability", () -> scim.modifyRequest("Users", ada.getId())
                .addOperation(PatchOperation.replace("id", TextNode.valueOf("x"))).invoke(UserResource.class));
    }

    private static List<String> statuses(List<BulkOperationResult> results) {
        return results.stream().map(BulkOperationResult::getStatus).toList();
    }

    private void bulk(UserResource ada) throws ScimException {
        var person = new UserResource().setUserName("bulk@northwind.example");
        var results = scim.bulkRequest().append(
                BulkOperation.post("/Users", person).setBulkId("one"),
                BulkOperation.post("/Groups", new GroupResource().setDisplayName("Bulk")
                        .setMembers(member("bulkId:one"), member(ada.getId()))).setBulkId("two"),
                BulkOperation.patch("/Users/" + ada.getId(), PatchOperation.replace("nickName", "ada")),
                BulkOperation.post("/Users", person).setBulkId("three")).invoke().getOperations();
        // The client's PATCH has no schemas here, which are there "as for a single PATCH" (RFC 7644 §3.7).
        Check.equal("bulk", statuses(results), List.of("201", "201", strict ? "400" : "200", "409"));
        Check.equal("bulk returns the bulkIds", results.get(0).getBulkId() + results.get(1).getBulkId(), "onetwo");
        var refused = results.get(3).getResponse();
        Check.equal("bulk says what is wrong", refused.path("scimType").asText(), "uniqueness");

        var created = scim.retrieve(URI.create(results.get(0).getLocation()), UserResource.class);
        var group = scim.retrieve(URI.create(results.get(1).getLocation()), GroupResource.class);
        Check.equal("bulk resolves a bulkId", members(group), Set.of(created.getId(), ada.getId()));
        Check.equal("bulk patches", get(ada).getNickName(), strict ? null : "ada");
        var removed = scim.bulkRequest().append(BulkOperation.delete("/Users/" + created.getId()),
                BulkOperation.delete("/Groups/" + group.getId())).invoke().getOperations();
        Check.equal("bulk deletes", statuses(removed), List.of("204", "204"));
        refused("whom Bulk deleted is gone", 404, null, () -> get(created));
    }

    private void delete(UserResource... people) throws ScimException {
        for (var person : people) {
            scim.delete(person);
            refused("a deleted person is gone", 404, null, () -> get(person));
        }
    }

    /** A page holds 200 at most. */
    private void pages() throws ScimException {
        var want = IntStream.range(0, 250).mapToObj(i -> "page" + i + "@northwind.example").sorted().toList();
        var operations = new ArrayList<BulkOperation>();
        for (var name : want) {
            operations.add(BulkOperation.post("/Users", new UserResource().setUserName(name)).setBulkId(name));
        }
        var results = scim.bulkRequest().append(operations).invoke().getOperations();
        Check.equal("bulk creates many", results.stream().filter(BulkOperationResult::isSuccess).count(), 250L);
        var people = new ArrayList<String>();
        for (var start = 1; start <= 250; start += 100) {
            var page = scim.searchRequest("Users").page(start, 100).invokePost(UserResource.class);
            Check.equal("a page of all", page.getStartIndex() + " of " + page.getTotalResults(), start + " of 250");
            page.forEach(u -> people.add(u.getUserName()));
        }
        Check.equal("pages by index", people.stream().sorted().toList(), want);
        people.clear();
        SearchRequestBuilder request = scim.searchRequest("Users").firstPageCursorWithCount(100);
        while (request != null) {
            var page = request.invoke(UserResource.class);
            page.forEach(u -> people.add(u.getUserName()));
            var next = page.getNextCursor();
            request = next == null ? null : scim.searchRequest("Users").pageWithCursor(next, 100);
        }
        Check.equal("pages by cursor", people.stream().sorted().toList(), want);
    }
}
