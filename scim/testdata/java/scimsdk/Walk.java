import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.TextNode;
import de.captaingoldfish.scim.sdk.client.ScimClientConfig;
import de.captaingoldfish.scim.sdk.client.ScimRequestBuilder;
import de.captaingoldfish.scim.sdk.client.builder.ListBuilder;
import de.captaingoldfish.scim.sdk.client.builder.PatchBuilder;
import de.captaingoldfish.scim.sdk.client.resources.ResourceType;
import de.captaingoldfish.scim.sdk.client.response.ServerResponse;
import de.captaingoldfish.scim.sdk.common.constants.enums.Comparator;
import de.captaingoldfish.scim.sdk.common.constants.enums.HttpMethod;
import de.captaingoldfish.scim.sdk.common.constants.enums.PatchOp;
import de.captaingoldfish.scim.sdk.common.constants.enums.SortOrder;
import de.captaingoldfish.scim.sdk.common.request.PatchOpRequest;
import de.captaingoldfish.scim.sdk.common.request.PatchRequestOperation;
import de.captaingoldfish.scim.sdk.common.resources.EnterpriseUser;
import de.captaingoldfish.scim.sdk.common.resources.Group;
import de.captaingoldfish.scim.sdk.common.resources.ResourceNode;
import de.captaingoldfish.scim.sdk.common.resources.User;
import de.captaingoldfish.scim.sdk.common.resources.base.ScimObjectNode;
import de.captaingoldfish.scim.sdk.common.resources.complex.BulkConfig;
import de.captaingoldfish.scim.sdk.common.resources.complex.Name;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.Email;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.Member;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.PersonRole;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.PhoneNumber;
import de.captaingoldfish.scim.sdk.common.response.BulkResponse;
import de.captaingoldfish.scim.sdk.common.response.ErrorResponse;
import de.captaingoldfish.scim.sdk.common.response.ListResponse;
import de.captaingoldfish.scim.sdk.common.schemas.Schema;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Provisions, changes and removes people and groups with Captain-P-Goldfish's scim-sdk-client. It
 * counts an answer as a success only if it has the media type of SCIM, one without a body too.
 * Usage: Walk BASE_URL TOKEN
 */
final class Walk {
    private static final String CORE = "urn:ietf:params:scim:schemas:core:2.0:";
    private static final String ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    private final ScimRequestBuilder scim;

    private Walk(String url, String token) {
        scim = new ScimRequestBuilder(url, ScimClientConfig.builder()
                .httpHeaders(Map.of("Authorization", "Bearer " + token))
                .enableAutomaticBulkRequestSplitting(true).build());
    }

    public static void main(String[] args) {
        Check.end(() -> {
            var walk = new Walk(args[0], args[1]);
            walk.discovery();
            var ada = walk.person("Ada");
            var bob = walk.person("Bob");
            walk.search(ada, bob);
            walk.replace(ada);
            walk.patch(ada);
            walk.active(ada);
            walk.group(ada, bob);
            walk.groupAsText(ada, bob);
            walk.errors(ada);
            walk.bulk(ada);
            walk.delete(ada, bob);
            walk.pages();
        });
    }

    /** Checks that the client takes an answer for a success, and returns what is in it. */
    private static <T extends ScimObjectNode> T succeeded(String what, ServerResponse<T> answer) {
        Check.equal(what + " succeeds",
                answer.isSuccess() ? "" : answer.getHttpStatus() + " " + answer.getResponseBody(), "");
        return answer.getResource();
    }

    /** Checks the status and the scimType of the error that the client sees. */
    private static void refused(String what, int status, String scimType, ServerResponse<?> answer) {
        Check.equal(what, answer.isSuccess() + " " + answer.getHttpStatus(), "false " + status);
        var error = answer.getErrorResponse();
        if (error == null) {
            Check.equal(what + ", with an error", answer.getResponseBody(), scimType);
            return;
        }
        Check.equal(what + ", with an error", error.getStatus() + " " + error.getScimType().orElse(null),
                status + " " + scimType);
        Check.that(what + ", with an explanation", error.getDetail().filter(d -> !d.isBlank()).isPresent());
    }

    private static String id(ResourceNode resource) {
        return resource.getId().orElseThrow();
    }

    private ServerResponse<User> asked(User user) {
        return scim.get(User.class, "/Users", id(user)).sendRequest();
    }

    private User get(User user) {
        return succeeded("get a user", asked(user));
    }

    private void discovery() {
        var config = scim.loadServiceProviderConfiguration();
        Check.that("PATCH is supported", config.getPatchConfig().isSupported());
        Check.that("Bulk is supported", config.getBulkConfig().isSupported());
        Check.that("filters are supported", config.getFilterConfig().isSupported());
        Check.that("versions are supported", config.getETagConfig().isSupported());
        var all = succeeded("discovery", scim.loadMetaConfiguration().sendRequest());
        Check.equal("resource types",
                all.getResourceTypes().stream().map(ResourceType::getEndpoint).collect(Collectors.toSet()),
                Set.of("/Users", "/Groups"));
        var schemas = all.getSchemas().stream().map(Schema::getNonNullId).toList();
        Check.that("schemas", schemas.containsAll(List.of(CORE + "User", CORE + "Group", ENTERPRISE)));
        // The client percent-encodes the colons.
        var schema = succeeded("a schema", scim.get(Schema.class, "/Schemas", ENTERPRISE).sendRequest());
        Check.that("its attributes",
                schema.getAttributes().stream().anyMatch(a -> a.getName().equals("employeeNumber")));
    }

    private User person(String given) {
        var user = User.builder().userName(given + ".Client@northwind.example").externalId("client-" + given)
                .name(Name.builder().givenName(given).familyName("Client").build())
                .displayName(given + " Client").active(true)
                .emails(List.of(Email.builder().value(given + "@northwind.example").type("work").primary(true).build()))
                .enterpriseUser(EnterpriseUser.builder().department("Research").employeeNumber("7").build()).build();
        var created = succeeded("create", scim.create(User.class, "/Users").setResource(user).sendRequest());
        Check.equal("create", created.getUserName().get() + " " + created.getExternalId().get(),
                given + ".Client@northwind.example client-" + given);
        Check.equal("create with an e-mail", created.getEmails(), user.getEmails());
        Check.equal("create with a name", created.getName(), user.getName());
        Check.equal("create as active", created.isActive(), Optional.of(true));
        Check.equal("create with an extension", created.getEnterpriseUser(), user.getEnterpriseUser());
        Check.equal("get", get(created), created);
        var location = created.getMeta().get().getLocation().get();
        Check.equal("get by location",
                succeeded("get by location", scim.get(location, User.class).sendRequest()), created);
        return created;
    }

    private ListBuilder<User> users() {
        return scim.list(User.class, "/Users");
    }

    private void search(User ada, User bob) {
        var created = ada.getMeta().get().getCreated().get();
        for (var search : List.of(
                users().filter("userName", Comparator.EQ, "ada.CLIENT@northwind.example").build(),
                users().filter("externalId", Comparator.EQ, "client-Ada").build(),
                users().filter("displayName", Comparator.SW, "Ada").and("active", Comparator.EQ, true).build(),
                users().filter("emails.value", Comparator.EQ, "ada@northwind.example")
                        .and("meta.created", Comparator.GT, created.minusSeconds(60)).build(),
                users().filter("emails[type eq \"work\" and value eq \"ada@northwind.example\"]"),
                users().filter("not (id eq \"" + id(bob) + "\")"))) {
            Check.equal("GET", succeeded("GET", search.get().sendRequest()).getListedResources(), List.of(ada));
            Check.equal("POST", succeeded("POST", search.post().sendRequest()).getListedResources(), List.of(ada));
        }
        var nobody = succeeded("a filter that nobody passes",
                users().filter("userName", Comparator.EQ, "nobody").build().get().sendRequest());
        Check.equal("a filter that nobody passes",
                nobody.getTotalResults() + " " + nobody.getListedResources(), "0 []");
        var sorted = succeeded("sort", users().sortBy("userName").sortOrder(SortOrder.DESCENDING).get().sendRequest());
        Check.equal("sort", sorted.getListedResources(), List.of(bob, ada));
        var named = succeeded("attributes", users().filter("id", Comparator.EQ, id(ada)).build()
                .attributes("userName").post().sendRequest()).getListedResources().get(0);
        Check.equal("attributes", List.of(named.getUserName(), named.getName(), named.getEmails()),
                List.of(ada.getUserName(), Optional.empty(), List.of()));
    }

    private void replace(User ada) {
        var now = get(ada);
        var version = now.getMeta().get().getVersion().get();
        now.setDisplayName("Ada C. Client");
        now.setTitle("Engineer");
        var replace = scim.update(User.class, "/Users", id(ada)).setETagForIfMatch(version).setResource(now);
        var replaced = succeeded("replace", replace.sendRequest());
        Check.equal("replace", replaced.getDisplayName().get() + ", " + replaced.getTitle().get(),
                "Ada C. Client, Engineer");
        refused("replace what has changed since", 412, null, replace.sendRequest());
        ServerResponse<User> same = scim.get(User.class, "/Users", id(ada))
                .setETagForIfNoneMatch(replaced.getMeta().get().getVersion().get()).sendRequest();
        Check.equal("get what has not changed", same.getHttpStatus(), 304);
    }

    private PatchBuilder.PatchOperationBuilder<User> change(User user, PatchOp op) {
        return scim.patch(User.class, "/Users", id(user)).addOperation().op(op);
    }

    /** The client has several ways to give a value, and each of them is another form on the wire. */
    private void patch(User ada) {
        var phone = PhoneNumber.builder().value("+1 555 0100").type("mobile").build();
        var role = PersonRole.builder().value("lead").build();
        succeeded("patch with texts", change(ada, PatchOp.REPLACE)
                .path("emails[type eq \"work\"].value").value("ada.c@northwind.example").next()
                .op(PatchOp.REPLACE).path("name.familyName").value("Clientova").next()
                .op(PatchOp.REPLACE).path(ENTERPRISE + ":department").value("Sales").next()
                .op(PatchOp.REMOVE).path("title").build().sendRequest());
        succeeded("patch with nodes", change(ada, PatchOp.ADD)
                .path("preferredLanguage").valueNode(TextNode.valueOf("de")).next()
                .op(PatchOp.ADD).path("phoneNumbers").valueNodes(List.of(phone)).next()
                .op(PatchOp.ADD).path("roles").valueNode(role).build().sendRequest());
        var part = User.builder().nickName("ada").locale("de-DE").build();
        succeeded("patch with a user as text", change(ada, PatchOp.ADD).value(part.toString()).build().sendRequest());
        var now = get(ada);
        Check.equal("patch an e-mail", now.getEmails(), List.of(
                Email.builder().value("ada.c@northwind.example").type("work").primary(true).build()));
        Check.equal("patch a part of the name", now.getName().get().getFamilyName().get(), "Clientova");
        Check.equal("patch the extension", now.getEnterpriseUser().get(),
                EnterpriseUser.builder().department("Sales").employeeNumber("7").build());
        Check.equal("patch removes the title", now.getTitle(), Optional.empty());
        Check.equal("patch a language", now.getPreferredLanguage().get(), "de");
        Check.equal("patch a telephone number", now.getPhoneNumbers(), List.of(phone));
        Check.equal("patch a role", now.getRoles(), List.of(role));
        Check.equal("patch without a path", now.getNickName().get() + " " + now.getLocale().get(), "ada de-DE");
        Check.equal("patch leaves the rest",
                List.of(now.getName().get().getGivenName().get(), now.getDisplayName().get(), now.isActive().get()),
                List.of("Ada", "Ada C. Client", true));
    }

    private void active(User ada) {
        for (var active : List.of(false, true)) {
            succeeded("active as text", change(ada, PatchOp.REPLACE).path("active").value("" + active)
                    .build().sendRequest());
            Check.equal("active as text " + active, get(ada).isActive().get(), active);
        }
        for (var active : List.of(false, true)) {
            succeeded("active as a node", change(ada, PatchOp.REPLACE).path("active")
                    .valueNode(BooleanNode.valueOf(active)).build().sendRequest());
            Check.equal("active as a node " + active, get(ada).isActive().get(), active);
        }
        for (var active : List.of(false, true)) {
            succeeded("active in a user", change(ada, PatchOp.REPLACE)
                    .valueNode(User.builder().active(active).build()).build().sendRequest());
            Check.equal("active in a user " + active, get(ada).isActive().get(), active);
        }
    }

    private static Member member(String value) {
        return Member.builder().value(value).build();
    }

    private Set<String> members(Group group) {
        ServerResponse<Group> now = scim.get(Group.class, "/Groups", id(group)).sendRequest();
        return succeeded("get a group", now).getMembers().stream().map(m -> m.getValue().get())
                .collect(Collectors.toSet());
    }

    private PatchBuilder.PatchOperationBuilder<Group> change(Group group, PatchOp op) {
        return scim.patch(Group.class, "/Groups", id(group)).addOperation().op(op);
    }

    private void group(User ada, User bob) {
        var team = succeeded("create a group", scim.create(Group.class, "/Groups").setResource(
                Group.builder().displayName("Client team").members(List.of(member(id(ada)))).build()).sendRequest());
        Check.equal("create a group with a member", members(team), Set.of(id(ada)));
        succeeded("add a member", change(team, PatchOp.ADD).path("members").valueNode(member(id(bob))).build()
                .sendRequest());
        Check.equal("add a member", members(team), Set.of(id(ada), id(bob)));
        succeeded("remove a member", change(team, PatchOp.REMOVE).path("members[value eq \"" + id(ada) + "\"]")
                .build().sendRequest());
        Check.equal("remove a member", members(team), Set.of(id(bob)));

        team.setDisplayName("Client crew");
        team.setMembers(List.of(member(id(ada)), member(id(bob))));
        var replaced = succeeded("replace a group",
                scim.update(Group.class, "/Groups", id(team)).setResource(team).sendRequest());
        Check.equal("replace a group", replaced.getDisplayName().get(), "Client crew");
        Check.equal("replace the members", members(team), Set.of(id(ada), id(bob)));
        var found = succeeded("find a group", scim.list(Group.class, "/Groups")
                .filter("displayName", Comparator.EQ, "client CREW").build()
                .excludedAttributes("members").get().sendRequest()).getListedResources();
        Check.equal("find a group", found.stream().map(Walk::id).toList(), List.of(id(team)));
        Check.equal("find a group without its members", found.get(0).getMembers(), List.of());
        Check.equal("a user names its groups", get(ada).getGroups().get(0).getValue().get(), id(team));
        succeeded("delete a group", scim.delete(Group.class, "/Groups", id(team)).sendRequest());
        refused("a deleted group is gone", 404, null, scim.get(Group.class, "/Groups", id(team)).sendRequest());
    }

    private void groupAsText(User ada, User bob) {
        var team = succeeded("create a group", scim.create(Group.class, "/Groups").setResource(
                Group.builder().displayName("Client texts").build()).sendRequest());
        succeeded("add members as texts", change(team, PatchOp.ADD).path("members")
                .values(List.of(member(id(ada)).toString(), member(id(bob)).toString())).build().sendRequest());
        Check.equal("add members as texts", members(team), Set.of(id(ada), id(bob)));
        succeeded("replace the members by a text", change(team, PatchOp.REPLACE).path("members")
                .value(member(id(bob)).toString()).build().sendRequest());
        Check.equal("replace the members by a text", members(team), Set.of(id(bob)));
        succeeded("remove a member as a node", change(team, PatchOp.REMOVE).path("members")
                .valueNode(member(id(ada))).build().sendRequest());
        Check.equal("remove who is no member", members(team), Set.of(id(bob)));
        succeeded("delete a group", scim.delete(Group.class, "/Groups", id(team)).sendRequest());
    }

    private void errors(User ada) {
        refused("a userName that is taken", 409, "uniqueness", scim.create(User.class, "/Users")
                .setResource(User.builder().userName("ADA.client@northwind.example").build()).sendRequest());
        refused("a user without a userName", 400, "invalidValue", scim.create(User.class, "/Users")
                .setResource(User.builder().displayName("Nobody").build()).sendRequest());
        refused("nobody", 404, null,
                scim.get(User.class, "/Users", "00000000-0000-4000-8000-000000000000").sendRequest());
        refused("a filter that ends early", 400, "invalidFilter", users().filter("userName eq").get().sendRequest());
        refused("a search that ends early", 400, "invalidFilter", users().filter("userName eq").post().sendRequest());
        refused("a path that is not there", 400, "invalidPath",
                change(ada, PatchOp.REPLACE).path("shoeSize").value("43").build().sendRequest());
        refused("an id of the client's own", 400, "mutability",
                change(ada, PatchOp.REPLACE).path("id").value("x").build().sendRequest());
    }

    private static List<String> statuses(BulkResponse answer) {
        return answer.getBulkResponseOperations().stream().map(o -> o.getBulkId().get() + " " + o.getStatus()).toList();
    }

    private void bulk(User ada) {
        var person = User.builder().userName("bulk@northwind.example").build();
        var team = Group.builder().displayName("Bulk").members(List.of(member("bulkId:one"), member(id(ada)))).build();
        var rename = PatchRequestOperation.builder().op(PatchOp.REPLACE).path("nickName").value("bulky").build();
        var answer = succeeded("bulk", scim.bulk()
                .bulkRequestOperation("/Users").method(HttpMethod.POST).bulkId("one").data(person).next()
                .bulkRequestOperation("/Groups").method(HttpMethod.POST).bulkId("two").data(team).next()
                .bulkRequestOperation("/Users", id(ada)).method(HttpMethod.PATCH).bulkId("three")
                .data(new PatchOpRequest(List.of(rename))).next()
                .bulkRequestOperation("/Users").method(HttpMethod.POST).bulkId("four").data(person).sendRequest());
        Check.equal("bulk", statuses(answer), List.of("one 201", "two 201", "three 200", "four 409"));
        var refused = answer.getByBulkId("four").get().getResponse(ErrorResponse.class).get();
        Check.equal("bulk says what is wrong", refused.getScimType().get(), "uniqueness");

        var created = succeeded("get whom Bulk created",
                scim.get(answer.getByBulkId("one").get().getLocation().get(), User.class).sendRequest());
        var group = succeeded("get what Bulk created",
                scim.get(answer.getByBulkId("two").get().getLocation().get(), Group.class).sendRequest());
        Check.equal("bulk resolves a bulkId", members(group), Set.of(id(created), id(ada)));
        Check.equal("bulk patches", get(ada).getNickName().get(), "bulky");
        var removed = succeeded("bulk deletes", scim.bulk()
                .bulkRequestOperation("/Users", id(created)).method(HttpMethod.DELETE).bulkId("one").next()
                .bulkRequestOperation("/Groups", id(group)).method(HttpMethod.DELETE).bulkId("two").sendRequest());
        Check.equal("bulk deletes", statuses(removed), List.of("one 204", "two 204"));
        refused("whom Bulk deleted is gone", 404, null, asked(created));
    }

    private void delete(User... people) {
        for (var person : people) {
            succeeded("delete", scim.delete(User.class, "/Users", id(person)).sendRequest());
            refused("a deleted person is gone", 404, null, asked(person));
        }
    }

    /** A page holds 200 at most. The client also cuts a Bulk request to what the service takes. */
    private void pages() {
        scim.loadServiceProviderConfiguration().setBulkConfig(
                BulkConfig.builder().supported(true).maxOperations(100).maxPayloadSize(1L << 20).build());
        var want = IntStream.range(0, 250).mapToObj(i -> "page" + i + "@northwind.example").sorted().toList();
        var bulk = scim.bulk();
        for (var name : want) {
            bulk.bulkRequestOperation("/Users").method(HttpMethod.POST).bulkId(name)
                    .data(User.builder().userName(name).build()).next();
        }
        var created = succeeded("bulk creates many", bulk.sendRequest(false));
        Check.equal("bulk creates many", created.getSuccessfulOperations().count(), 250L);
        pages("GET", users().get().getAll(), want);
        // The client sends no body, since it has nothing to ask for.
        pages("POST", users().post().getAll(), want);
        var page = succeeded("the last page", users().startIndex(201).count(100).post().sendRequest());
        Check.equal("the last page", List.of(page.getStartIndex(), page.getTotalResults()), List.of(201L, 250L));
        Check.equal("who is on the last page", page.getListedResources().size(), 50);
    }

    private static void pages(String method, ServerResponse<ListResponse<User>> answer, List<String> want) {
        var all = succeeded("all pages by " + method, answer);
        Check.equal("all pages by " + method, all.getTotalResults(), 250L);
        Check.equal("everybody once by " + method,
                all.getListedResources().stream().map(u -> u.getUserName().get()).sorted().toList(), want);
    }
}
