// Signs a person in by openid-client: node openid-client.mjs MODULES SETTINGS, where SETTINGS is JSON.
// It says what it checked, and exits with 1 at the first call that fails. Where a browser is needed
// it prints "visit URL" and reads where the browser came.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= webcrypto;
const [modules, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const client = await import(pathToFileURL(path.resolve(modules, "node_modules/openid-client/build/index.js")));
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const check = async (what, run) => {
  try {
    await run();
  } catch (problem) {
    console.log(`FAIL ${what}: ${problem.stack} ${JSON.stringify(problem.cause ?? "")}`);
    process.exit(1);
  }
  console.log(`ok   ${what}`);
};
const visit = async (url) => {
  console.log(`visit ${url}`);
  return new URL((await lines.next()).value);
};

let config, tokens;
await check("the provider is discovered", async () => {
  config = await client.discovery(new URL(settings.url), settings.client, settings.key, undefined,
    { execute: [client.allowInsecureRequests] });
  assert.equal(config.serverMetadata().issuer, settings.url);
  assert.ok(config.serverMetadata().supportsPKCE());
});

await check("a person signs in with PKCE, state, nonce and max_age", async () => {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState(), nonce = client.randomNonce();
  const back = await visit(client.buildAuthorizationUrl(config, {
    redirect_uri: settings.callback, scope: "openid profile email offline_access", state, nonce, max_age: "3600",
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    connection: settings.connection,
  }));
  tokens = await client.authorizationCodeGrant(config, back,
    { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge: 3600, idTokenExpected: true });
  const claims = tokens.claims();
  assert.equal(claims.email, settings.email);
  assert.equal(claims.given_name, settings.first);
  assert.equal(claims.organization_id, settings.organization);
  assert.ok(Array.isArray(claims.groups));
});

await check("userinfo is about the same person", async () => {
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(info.email, settings.email);
});

await check("a refresh brings another access token", async () => {
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(next.access_token, tokens.access_token);
  assert.equal(next.claims().sub, tokens.claims().sub);
});

await check("a token is introspected and revoked", async () => {
  assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, true);
  await client.tokenRevocation(config, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), (e) => e.error === "invalid_grant");
});

await check("the address of a sign-out is built", async () => {
  const location = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token });
  assert.equal(location.origin + location.pathname, settings.url + "/oauth2/logout");
});
process.exit(0);
