// Calls Rollcall by the reference's client for Node: node calls.mjs MODULES SETTINGS, where SETTINGS
// is JSON. It says what it checked, and exits with 1 at the first call that does not do what the
// reference says. Where a browser is needed it prints "visit URL" and reads where the browser came.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

globalThis.crypto ??= webcrypto; // as browsers have it, and Node from 20 on
const [modules, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { WorkOS } = createRequire(path.resolve(modules, "calls.cjs"))("@workos-inc/node");
const { hostname, port } = new URL(settings.url);
const connect = (key) => new WorkOS(key, { apiHostname: hostname, port: Number(port), https: false, clientId: settings.client });
const workos = connect(settings.key);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const check = async (what, run) => {
  try {
    await run();
  } catch (problem) {
    console.log(`FAIL ${what}: ${problem.stack}`);
    process.exit(1);
  }
  console.log(`ok   ${what}`);
};
const refuses = (name, more, run) => assert.rejects(run, (e) => {
  assert.equal(e.name, name);
  for (const [field, value] of Object.entries(more)) assert.equal(e[field], value);
  return true;
});
const visit = async (url) => {
  console.log(`visit ${url}`);
  return new URL((await lines.next()).value);
};

let organization, domain;
await check("an organization is created, read, changed and listed", async () => {
  organization = await workos.organizations.createOrganization({
    name: "Node Ltd", externalId: "node-1", metadata: { tier: "gold" }, domainData: [{ domain: "node.example", state: "pending" }] });
  assert.equal(organization.object, "organization");
  assert.deepEqual([organization.name, organization.externalId, organization.metadata], ["Node Ltd", "node-1", { tier: "gold" }]);
  assert.deepEqual(organization.domains.map((d) => [d.domain, d.state]), [["node.example", "pending"]]);
  assert.deepEqual(await workos.organizations.getOrganization(organization.id), organization);
  assert.deepEqual(await workos.organizations.getOrganizationByExternalId("node-1"), organization);
  const changed = await workos.organizations.updateOrganization({ organization: organization.id, name: "Node plc" });
  assert.deepEqual([changed.name, changed.externalId, changed.domains.length], ["Node plc", "node-1", 1]);
  const all = await (await workos.organizations.listOrganizations()).autoPagination();
  assert.deepEqual(all.map((o) => o.name), ["Node plc", "Contoso"]);
  const some = await workos.organizations.listOrganizations({ domains: ["node.example"] });
  assert.deepEqual(some.data.map((o) => o.id), [organization.id]);
});
await check("a domain is created, read and deleted", async () => {
  domain = await workos.organizationDomains.create({ organizationId: organization.id, domain: "second.example" });
  assert.deepEqual([domain.object, domain.domain, domain.state], ["organization_domain", "second.example", "pending"]);
  assert.equal((await workos.organizationDomains.get(domain.id)).organizationId, organization.id);
  // An application has the DNS record looked for; only the operator's word verifies without one.
  assert.equal((await workos.organizationDomains.verify(domain.id)).state, "pending");
  assert.equal((await connect(settings.operator).organizationDomains.verify(domain.id)).state, "verified");
  await workos.organizationDomains.delete(domain.id);
  await refuses("NotFoundException", { status: 404 }, () => workos.organizationDomains.get(domain.id));
});
await check("a link to the set-up portal is made", async () => {
  const { link } = await workos.portal.generateLink({ organization: organization.id, intent: "sso",
    returnUrl: "https://app.example/settings", successUrl: "https://app.example/done" });
  const page = await fetch(link);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Node plc/);
  await refuses("UnprocessableEntityException", { status: 422 }, () => workos.portal.generateLink({ organization: organization.id, intent: "audit_logs" }));
  await refuses("NotFoundException", { status: 404 }, () => workos.portal.generateLink({ organization: "org_unknown", intent: "sso" }));
});
await check("a connection is listed and read", async () => {
  const list = await workos.sso.listConnections({ organizationId: settings.organization, connectionType: "OktaSAML" });
  assert.deepEqual(list.data.map((c) => [c.object, c.id, c.type, c.state]), [["connection", settings.connection, "OktaSAML", "active"]]);
  assert.equal((await workos.sso.listConnections({ connectionType: "GoogleSAML" })).data.length, 0);
  assert.deepEqual(await workos.sso.getConnection(settings.connection), list.data[0]);
});
await check("a directory is listed and read, and its users and groups", async () => {
  const list = await workos.directorySync.listDirectories({ organizationId: settings.organization });
  assert.deepEqual(list.data.map((d) => [d.object, d.id, d.type, d.state]), [["directory", settings.directory, "okta scim v2.0", "active"]]);
  assert.deepEqual(await workos.directorySync.getDirectory(settings.directory), list.data[0]);
  const users = await (await workos.directorySync.listUsers({ directory: settings.directory })).autoPagination();
  assert.equal(users.length, settings.people);
  const page = await workos.directorySync.listUsers({ directory: settings.directory, limit: 3 });
  assert.deepEqual(page.data.map((u) => u.id), users.slice(0, 3).map((u) => u.id));
  const next = await workos.directorySync.listUsers({ directory: settings.directory, limit: 3, after: page.listMetadata.after });
  assert.deepEqual(next.data.map((u) => u.id), users.slice(3, 6).map((u) => u.id));
  const ada = users.find((u) => u.email === settings.email);
  assert.deepEqual([ada.object, ada.state, ada.firstName, ada.lastName], ["directory_user", "active", settings.first, settings.last]);
  assert.ok(ada.groups.length > 0 && ada.rawAttributes.userName);
  assert.deepEqual(await workos.directorySync.getUser(ada.id), ada);
  const groups = await workos.directorySync.listGroups({ directory: settings.directory, user: ada.id });
  assert.deepEqual(groups.data.map((g) => g.name).sort(), ada.groups.map((g) => g.name).sort());
  assert.deepEqual(await workos.directorySync.getGroup(groups.data[0].id), groups.data[0]);
  const members = await (await workos.directorySync.listUsers({ group: groups.data[0].id })).autoPagination();
  assert.ok(members.some((u) => u.id === ada.id));
});
await check("somebody signs in, and the application is told who", async () => {
  const url = workos.sso.getAuthorizationUrl({ organization: settings.organization, clientId: settings.client, redirectUri: settings.callback, state: "a state" });
  const came = await visit(url);
  assert.equal(came.searchParams.get("state"), "a state");
  const code = came.searchParams.get("code");
  const { accessToken, profile } = await workos.sso.getProfileAndToken({ code, clientId: settings.client });
  assert.deepEqual([profile.email, profile.firstName, profile.lastName, profile.connectionId, profile.connectionType, profile.organizationId],
    [settings.email, settings.first, settings.last, settings.connection, "OktaSAML", settings.organization]);
  assert.ok(profile.groups.length > 0 && profile.role.slug && profile.idpId);
  assert.deepEqual(await workos.sso.getProfile({ accessToken }), profile);
  await refuses("OauthException", { status: 400, error: "invalid_grant" }, () => workos.sso.getProfileAndToken({ code, clientId: settings.client }));
});
await check("somebody signs in with PKCE", async () => {
  const { url, state, codeVerifier } = await workos.sso.getAuthorizationUrlWithPKCE({ connection: settings.connection, clientId: settings.client, redirectUri: settings.callback });
  const came = await visit(url);
  assert.equal(came.searchParams.get("state"), state);
  const { profile } = await workos.sso.getProfileAndToken({ code: came.searchParams.get("code"), clientId: settings.client, codeVerifier });
  assert.equal(profile.email, settings.email);
});
await check("the events are read, one page after the other", async () => {
  const types = ["dsync.user.created", "dsync.group.created", "dsync.group.user_added", "connection.activated", "authentication.sso_succeeded", "organization.created"];
  const seen = [];
  for (let after; ;) {
    const page = await workos.events.listEvents({ events: types, organizationId: settings.organization, after, limit: 10 });
    seen.push(...page.data);
    if (page.data.length === 0) break;
    after = page.data.at(-1).id;
  }
  assert.equal(new Set(seen.map((e) => e.id)).size, seen.length);
  assert.deepEqual([...new Set(seen.map((e) => e.event))].sort(), [...types].sort());
  const created = seen.filter((e) => e.event === "dsync.user.created");
  assert.equal(created.length, settings.people);
  assert.ok(created.some((e) => e.data.email === settings.email && e.data.directoryId === settings.directory));
  assert.ok(seen.find((e) => e.event === "dsync.group.user_added").data.group.name);
});
await check("a webhook is verified, whatever its data is", async () => {
  const { body, headers, secret } = settings.webhook;
  const sigHeader = headers["workos-signature"];
  const event = await workos.webhooks.constructEvent({ payload: JSON.parse(body), sigHeader, secret });
  assert.deepEqual([event.event, event.data.rawAttributes.userName], ["dsync.user.created", "zo\u00eb@awkward.example"]);
  assert.equal(JSON.stringify(JSON.parse(body)), body);
  assert.equal(headers["webhook-id"], event.id);
  const changed = JSON.parse(body.replace("awkward.example", "evil.example"));
  await assert.rejects(() => workos.webhooks.constructEvent({ payload: changed, sigHeader, secret }));
});
await check("a refusal is the exception of its status", async () => {
  await refuses("NotFoundException", { status: 404 }, () => workos.organizations.getOrganization("org_01J00000000000000000000000"));
  await refuses("UnauthorizedException", { status: 401 }, () => connect("sk_nobody_0123456789abcdef0123456789").organizations.listOrganizations());
  await assert.rejects(() => workos.organizationDomains.create({ organizationId: organization.id, domain: "node.example" }), (e) => e.status === 409);
  await assert.rejects(() => workos.organizations.createOrganization({ name: "" }), (e) => (e.status === 400 || e.status === 422) && e.errors?.length !== 0);
});
await check("an organization, a connection and a directory are deleted", async () => {
  await workos.organizations.deleteOrganization(organization.id);
  await refuses("NotFoundException", { status: 404 }, () => workos.organizations.getOrganization(organization.id));
  await workos.sso.deleteConnection(settings.connection);
  await refuses("NotFoundException", { status: 404 }, () => workos.sso.getConnection(settings.connection));
  await workos.directorySync.deleteDirectory(settings.directory);
  await refuses("NotFoundException", { status: 404 }, () => workos.directorySync.getDirectory(settings.directory));
});
process.exit(0);
