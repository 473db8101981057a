import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.tirasa.connid.bundles.scim.common.SCIMConnectorConfiguration;
import net.tirasa.connid.bundles.scim.common.service.NoSuchEntityException;
import net.tirasa.connid.bundles.scim.v2.SCIMv2Connector;
import org.identityconnectors.common.logging.Log;
import org.identityconnectors.common.logging.LogSpi;
import org.identityconnectors.framework.common.exceptions.ConnectorException;
import org.identityconnectors.framework.common.objects.Attribute;
import org.identityconnectors.framework.common.objects.AttributeBuilder;
import org.identityconnectors.framework.common.objects.AttributeDelta;
import org.identityconnectors.framework.common.objects.AttributeDeltaBuilder;
import org.identityconnectors.framework.common.objects.ConnectorObject;
import org.identityconnectors.framework.common.objects.Name;
import org.identityconnectors.framework.common.objects.ObjectClass;
import org.identityconnectors.framework.common.objects.OperationOptionsBuilder;
import org.identityconnectors.framework.common.objects.SearchResult;
import org.identityconnectors.framework.common.objects.Uid;
import org.identityconnectors.framework.common.objects.filter.EqualsFilter;
import org.identityconnectors.framework.common.objects.filter.Filter;
import org.identityconnectors.framework.spi.SearchResultsHandler;

/**
 * Provisions, changes and removes people and groups with ConnId's SCIM connector, by which the
 * identity managers Syncope and midPoint push. It has no discovery, no Bulk and no versions.
 * Usage: Walk BASE_URL TOKEN
 */
final class Walk {
    private static final ObjectClass USER = ObjectClass.ACCOUNT, GROUP = ObjectClass.GROUP;
    private static final String ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    private static final String[] READ = {"userName", "externalId", "name.givenName", "name.familyName", "displayName",
        "title", "active", "emails.work.value", "emails.work.primary", "phoneNumbers.mobile.value", "groups", "members",
        ENTERPRISE + ":manager.value", ENTERPRISE + ":department", ENTERPRISE + ":employeeNumber"};

    private final SCIMv2Connector connector = new SCIMv2Connector();

    private Walk(String url, String token) {
        var config = new SCIMConnectorConfiguration();
        config.setBaseAddress(url + "/");
        config.setBearerToken(token);
        config.setUpdateGroupMethod("PATCH");
        config.setExplicitGroupAddOnCreate(true);
        connector.init(config);
    }

    public static void main(String[] args) {
        System.setProperty("org.identityconnectors.common.logging.class", Quiet.class.getName());
        Check.end(() -> {
            var walk = new Walk(args[0], args[1]);
            walk.connector.test();
            var ada = walk.person("Ada");
            var bob = walk.person("Bob");
            walk.search(ada);
            walk.replace(ada);
            walk.patch(ada, bob);
            walk.group(ada, bob);
            walk.groupsOfUser(ada);
            walk.errors(ada);
            walk.delete(ada, bob);
            walk.pages();
        });
    }

    /** The connector logs each request and answer, a status that is an error too. */
    public static final class Quiet implements LogSpi {
        @Override
        public void log(Class<?> of, String method, Log.Level level, String message, Throwable e) {}

        @Override
        public void log(Class<?> of, StackTraceElement caller, Log.Level level, String message, Throwable e) {}

        @Override
        public boolean isLoggable(Class<?> of, Log.Level level) {
            return false;
        }

        @Override
        public boolean needToInferCaller(Class<?> of, Log.Level level) {
            return false;
        }
    }

    /** Checks what the connector makes of an error: its class, and a text in it or in its cause. */
    private static void refused(String what, Class<?> type, String text, Check.Call call) {
        try {
            call.run();
        } catch (Exception e) {
            Check.equal(what, e.getClass(), type);
            var said = e.getMessage() + (e.getCause() == null ? "" : " " + e.getCause().getMessage());
            Check.equal(what + ", with " + text, said.contains(text) ? text : said, text);
            return;
        }
        Check.equal(what, "no error", type);
    }

    private List<ConnectorObject> find(ObjectClass of, Filter filter) {
        var found = new ArrayList<ConnectorObject>();
        connector.executeQuery(of, filter, found::add, new OperationOptionsBuilder().setAttributesToGet(READ).build());
        return found;
    }

    private ConnectorObject get(ObjectClass of, Uid id) {
        return find(of, new EqualsFilter(id)).get(0);
    }

    /** The values of attributes, "-" for one without, separated by commas. */
    private static String values(ConnectorObject object, String... names) {
        return Arrays.stream(names).map(name -> {
            var a = object.getAttributeByName(name);
            var unassigned = a == null || a.getValue() == null || a.getValue().isEmpty() || a.getValue().get(0) == null;
            return unassigned ? "-" : a.getValue().stream().map(Object::toString).collect(Collectors.joining(" "));
        }).collect(Collectors.joining(", "));
    }

    private static Set<Attribute> attributes(String given, Attribute... more) {
        var all = new HashSet<>(Set.of(
                AttributeBuilder.build("userName", given + ".Client@northwind.example"),
                AttributeBuilder.build("externalId", "client-" + given),
                AttributeBuilder.build("name.givenName", given),
                AttributeBuilder.build("name.familyName", "Client"),
                AttributeBuilder.build("displayName", given + " Client"),
                AttributeBuilder.build("emails.work.value", given + "@northwind.example"),
                AttributeBuilder.build("emails.work.primary", true),
                AttributeBuilder.build(ENTERPRISE + ":department", "Research"),
                AttributeBuilder.build(ENTERPRISE + ":employeeNumber", "7")));
        for (var one : more) {
            all.removeIf(a -> a.is(one.getName()));
            all.add(one);
        }
        return all;
    }

    private Uid person(String given) {
        var id = connector.create(USER, attributes(given, AttributeBuilder.buildEnabled(true)), null);
        var now = get(USER, id);
        Check.equal("create", values(now, "userName", "externalId", "displayName", "active"),
                given + ".Client@northwind.example, client-" + given + ", " + given + " Client, true");
        Check.equal("create with a name", values(now, "name.givenName", "name.familyName"), given + ", Client");
        Check.equal("create with an e-mail", values(now, "emails.work.value", "emails.work.primary"),
                given + "@northwind.example, true");
        Check.equal("create with an extension", values(now, ENTERPRISE + ":department", ENTERPRISE + ":employeeNumber"),
                "Research, 7");
        return id;
    }

    private void search(Uid ada) {
        for (var key : List.of(new Name("ada.CLIENT@northwind.example"),
                AttributeBuilder.build("externalId", "client-Ada"),
                AttributeBuilder.build("displayName", "ada client"),
                AttributeBuilder.build("emails.value", "ada@northwind.example"))) {
            var found = find(USER, new EqualsFilter(key)).stream().map(ConnectorObject::getUid).toList();
            Check.equal("find by " + key.getName(), found, List.of(ada));
        }
        Check.equal("find nobody", find(USER, new EqualsFilter(new Name("nobody"))), List.of());
    }

    /** By PUT. Its PATCH of this kind has no operations but a whole user, which SCIM 2.0 does not know. */
    private void replace(Uid ada) {
        for (var active : List.of(false, true)) {
            connector.update(USER, ada, attributes("Ada", AttributeBuilder.build("displayName", "Ada C. Client"),
                    AttributeBuilder.build("title", "Engineer"), AttributeBuilder.buildEnabled(active)), null);
            Check.equal("replace", values(get(USER, ada), "displayName", "title", "active", "emails.work.value"),
                    "Ada C. Client, Engineer, " + active + ", Ada@northwind.example");
        }
    }

    private void change(ObjectClass of, Uid id, AttributeDelta... changes) {
        connector.updateDelta(of, id, Set.of(changes), null);
    }

    private static AttributeDelta set(String name, Object value) {
        return AttributeDeltaBuilder.build(name, value);
    }

    private static AttributeDelta add(String name, Object value) {
        return AttributeDeltaBuilder.build(name, List.of(value), null);
    }

    private static AttributeDelta remove(String name, Object value) {
        return AttributeDeltaBuilder.build(name, null, List.of(value));
    }

    private void patch(Uid ada, Uid bob) {
        change(USER, ada, set("name.familyName", "Clientova"), set("emails.work.value", "ada.c@northwind.example"),
                set(ENTERPRISE + ":department", "Sales"), add("phoneNumbers.mobile.value", "+1 555 0100"));
        var now = get(USER, ada);
        Check.equal("patch", values(now, "name.familyName", "emails.work.value", "phoneNumbers.mobile.value"),
                "Clientova, ada.c@northwind.example, +1 555 0100");
        Check.equal("patch the extension", values(now, ENTERPRISE + ":department", ENTERPRISE + ":employeeNumber"),
                "Sales, 7");
        Check.equal("patch leaves the rest", values(now, "name.givenName", "displayName", "title", "active"),
                "Ada, Ada C. Client, Engineer, true");
        change(USER, ada, set(ENTERPRISE + ":manager.value", bob.getUidValue()));
        Check.equal("a manager", values(get(USER, ada), ENTERPRISE + ":manager.value"), bob.getUidValue());
        change(USER, ada, remove("phoneNumbers.mobile.value", "+1 555 0100"));
        Check.equal("remove a telephone number", values(get(USER, ada), "phoneNumbers.mobile.value"), "-");
        change(USER, ada, set(Name.NAME, "ada@northwind.example"));
        Check.equal("rename", values(get(USER, ada), "userName"), "ada@northwind.example");
        // The connector sends ConnId's own __ENABLE__ as the path, so that active has to be mapped.
        for (var active : List.of(false, true)) {
            change(USER, ada, set("active", active));
            Check.equal("active", values(get(USER, ada), "active"), "" + active);
        }
    }

    /** The connector returns members as texts: BaseResourceReference{value=…, $ref=…, display=…}. */
    private Set<String> members(Uid group) {
        var members = get(GROUP, group).getAttributeByName("members");
        return members == null || members.getValue() == null ? Set.of() : members.getValue().stream()
                .map(m -> m.toString().replaceFirst(".*\\{value=(.*?),.*", "$1")).collect(Collectors.toSet());
    }

    private Uid create(String group, String... members) {
        return connector.create(GROUP, Set.of(AttributeBuilder.build("displayName", group),
                AttributeBuilder.build("members", List.of(members))), null);
    }

    private void group(Uid ada, Uid bob) {
        var team = create("Client team", ada.getUidValue());
        Check.equal("create a group with a member", members(team), Set.of(ada.getUidValue()));
        change(GROUP, team, add("members", bob.getUidValue()));
        Check.equal("add a member", members(team), Set.of(ada.getUidValue(), bob.getUidValue()));
        change(GROUP, team, remove("members", ada.getUidValue()));
        Check.equal("remove a member", members(team), Set.of(bob.getUidValue()));
        change(GROUP, team, set("members", ada.getUidValue()), set("displayName", "Client crew"));
        Check.equal("replace the members", members(team), Set.of(ada.getUidValue()));
        Check.equal("find a renamed group", find(GROUP, new EqualsFilter(new Name("client CREW"))).stream()
                .map(ConnectorObject::getUid).toList(), List.of(team));
        connector.update(GROUP, team, Set.of(AttributeBuilder.build("displayName", "Client staff"),
                AttributeBuilder.build("members", List.of(bob.getUidValue()))), null);
        Check.equal("replace a group", values(get(GROUP, team), "displayName"), "Client staff");
        Check.equal("replace a group's members", members(team), Set.of(bob.getUidValue()));
        connector.delete(GROUP, team, null);
        refused("a deleted group is gone", NoSuchEntityException.class, "No SCIM entity", () -> get(GROUP, team));
    }

    /** An identity manager names a user's groups. The connector sends a PATCH to each of them. */
    private void groupsOfUser(Uid ada) {
        var team = create("Client team");
        change(USER, ada, add("groups", team.getUidValue()));
        Check.equal("put a user into a group", members(team), Set.of(ada.getUidValue()));
        Check.equal("a user names its groups", values(get(USER, ada), "groups"), team.getUidValue());
        change(USER, ada, remove("groups", team.getUidValue()));
        Check.equal("take a user out of a group", members(team), Set.of());
        var cleo = connector.create(USER,
                attributes("Cleo", AttributeBuilder.build("groups", team.getUidValue())), null);
        Check.equal("create a user in a group", members(team), Set.of(cleo.getUidValue()));
        connector.delete(USER, cleo, null);
        Check.equal("who is deleted is in no group", members(team), Set.of());
        connector.delete(GROUP, team, null);
    }

    private void errors(Uid ada) {
        var failed = ConnectorException.class;
        refused("a userName that is taken", failed, "\"scimType\":\"uniqueness\"",
                () -> connector.create(USER, attributes("BOB"), null));
        refused("a userName that is taken, its status", failed, "status is 409",
                () -> connector.create(USER, attributes("BOB"), null));
        refused("a path that is not there", failed, "\"scimType\":\"invalidPath\"",
                () -> change(USER, ada, set("shoeSize", "43")));
        refused("a user without a userName", failed, "\"scimType\":\"invalidValue\"",
                () -> connector.create(USER, Set.of(AttributeBuilder.build("displayName", "Nobody")), null));
        refused("nobody", NoSuchEntityException.class, "No SCIM entity",
                () -> get(USER, new Uid("00000000-0000-4000-8000-000000000000")));
    }

    private void delete(Uid... people) {
        for (var person : people) {
            connector.delete(USER, person, null);
            refused("a deleted person is gone", NoSuchEntityException.class, "No SCIM entity", () -> get(USER, person));
            refused("delete once more", NoSuchEntityException.class, person.getUidValue(),
                    () -> connector.delete(USER, person, null));
        }
    }

    /** The cookie of a page is the index of the next. */
    private static final class Page implements SearchResultsHandler {
        private final List<String> people = new ArrayList<>();
        private String cookie;

        @Override
        public boolean handle(ConnectorObject user) {
            return people.add(user.getName().getNameValue());
        }

        @Override
        public void handleResult(SearchResult result) {
            cookie = result.getPagedResultsCookie();
        }
    }

    private void pages() {
        var want = IntStream.range(0, 110).mapToObj(i -> "page" + i + "@northwind.example").sorted().toList();
        for (var name : want) {
            connector.create(USER, Set.of(AttributeBuilder.build("userName", name)), null);
        }
        var page = new Page();
        for (var i = 0; i == 0 || page.cookie != null && i < 10; i++) {
            var options = new OperationOptionsBuilder().setPageSize(50).setAttributesToGet(READ);
            if (page.cookie != null) {
                options.setPagedResultsCookie(page.cookie);
            }
            connector.executeQuery(USER, null, page, options.build());
        }
        Check.equal("pages by index", page.people.stream().sorted().toList(), want);
    }
}
