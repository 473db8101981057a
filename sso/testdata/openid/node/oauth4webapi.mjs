// Signs a person in by oauth4webapi: node oauth4webapi.mjs MODULES SETTINGS, where SETTINGS is JSON. It
// says what it checked, and exits with 1 at the first call that fails. Where a browser is needed it
// prints "visit URL" and reads where the browser came.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= webcrypto;
const [modules, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const oauth = await import(pathToFileURL(path.resolve(modules, "node_modules/oauth4webapi/build/index.js")));
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: settings.client };

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

let server, tokens, claims;
for (const algorithm of ["oidc", "oauth2"]) {
  await check(`the provider is discovered by ${algorithm}`, async () => {
    const issuer = new URL(settings.url);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }));
  });
}

for (const [name, authentication] of [["Basic", oauth.ClientSecretBasic], ["a form", oauth.ClientSecretPost]]) {
  await check(`a person signs in, and the client authenticates by ${name}`, async () => {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
    const location = new URL(server.authorization_endpoint);
    for (const [parameter, value] of Object.entries({
      client_id: settings.client, redirect_uri: settings.callback, response_type: "code",
      scope: "openid profile email", state, nonce, code_challenge_method: "S256",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), connection: settings.connection,
    })) location.searchParams.set(parameter, value);
    const back = oauth.validateAuthResponse(server, client, await visit(location), state); // iss, too
    const answer = await oauth.authorizationCodeGrantRequest(server, client, authentication(settings.key), back,
      settings.callback, verifier, insecure);
    tokens = await oauth.processAuthorizationCodeResponse(server, client, answer,
      { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(server, answer, insecure);
    claims = oauth.getValidatedIdTokenClaims(tokens);
    assert.equal(claims.email, settings.email);
  });
}

await check("userinfo is about the same person", async () => {
  const answer = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
  const info = await oauth.processUserInfoResponse(server, client, claims.sub, answer);
  assert.equal(info.email, settings.email);
});
process.exit(0);
