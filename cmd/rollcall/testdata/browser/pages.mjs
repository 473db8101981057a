// Looks at every page of the server in Debian's Chromium, in both themes, on a phone and on a
// desktop, and prints what is wrong with it as JSON, which pages_interop_test.go checks.
// node pages.mjs MODULES ROLLCALL OPERATOR ONE_TIME_PASSWORD ORGANIZATION IDP SETUP_LINK SCREENSHOT_FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, rollcall, operator, oneTime, organization, idp, setup, shots] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "pages.cjs"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const own = "glacier tuba 41 window"; // the operator's password
const fill = (p, label, text) => p.getByLabel(label, { exact: true }).fill(text);
const press = (p, name) => p.getByRole("button", { name }).click();
const member = "noor.alfarsi@fabrikam.example";

// What an identity provider says of itself.
const metadata = await (await fetch(`${idp}/applications/1/saml/metadata`)).text();

// The pages. A page has an address, or what leads to it from the page before, or both. Those of the
// operator are seen in a browser of their own.
const pages = [
  { name: "login", at: "/login" },
  { name: "login-unknown", act: async (p) => { await fill(p, "E-mail address", "who@nowhere.example"); await press(p, "Continue"); } },
  { name: "password", at: "/login", act: async (p) => { await fill(p, "E-mail address", member); await press(p, "Use a password"); } },
  { name: "password-wrong", act: async (p) => { await fill(p, "Password", "not the password"); await press(p, "Sign in"); } },
  { name: "nothing-here", at: "/nothing" },
  { name: "signed-in", at: "/login", act: async (p) => {
    await fill(p, "E-mail address", member); await press(p, "Continue");
    await press(p, new RegExp(member)); await p.getByRole("heading", { name: "Noor" }).waitFor(); // the application
    await p.goto(`${rollcall}/sso/signed-in`);
  } },
  { name: "sign-out", at: "/sso/logout" },
  { name: "signed-out", act: (p) => press(p, "Sign out") },
  { name: "console-login", at: "/console/login" },
  { name: "console-login-wrong", act: async (p) => {
    await fill(p, "E-mail address", "nobody@operator.example"); await fill(p, "Password", "wrong"); await press(p, "Sign in");
  } },
  { name: "console-one-time", as: "operator", at: "/console/login", act: async (p) => {
    await fill(p, "E-mail address", operator); await fill(p, "Password", oneTime); await press(p, "Sign in");
    await p.waitForURL("**/console/password");
  } },
  { name: "console-one-time-wrong", as: "operator", act: async (p) => {
    await fill(p, "One-time password", oneTime); await fill(p, "New password", own); await fill(p, "New password, again", own + "s");
    await press(p, "Set the password");
  } },
  { name: "organizations", as: "operator", act: async (p) => {
    await fill(p, "New password", own); await fill(p, "New password, again", own); await press(p, "Set the password");
    await p.waitForURL("**/console");
  } },
  { name: "organizations-found", as: "operator", at: "/console?q=fabrikam.example" },
  { name: "organizations-none", as: "operator", at: "/console?q=nobody" },
  { name: "organization", as: "operator", at: `/console/organizations/${organization}` },
  { name: "link-refused", as: "operator", act: async (p) => {
    await p.getByText("Generate link", { exact: true }).first().click();
    await fill(p, "Good for this many days", "400"); await press(p, "Generate link");
  } },
  { name: "link-made", as: "operator", act: async (p) => {
    await fill(p, "Good for this many days", "14"); await fill(p, "For whom", "Grace, of their IT"); await press(p, "Generate link");
  } },
  { name: "members", as: "operator", at: `/console/organizations/${organization}/members` },
  { name: "login-log", as: "operator", at: `/console/organizations/${organization}`, act: async (p) => {
    await p.getByRole("link", { name: "Login log" }).first().click();
  } },
  { name: "events", as: "operator", at: `/console/organizations/${organization}/events` },
  { name: "seats", as: "operator", at: `/console/organizations/${organization}/waiting` },
  { name: "console-password", as: "operator", at: "/console/password" },
  { name: "setup-begin", as: "customer", at: new URL(setup).pathname },
  { name: "setup-provider", as: "customer", act: (p) => press(p, "Begin") },
  { name: "setup-protocol", as: "customer", at: "/setup/provider?choose=entra" },
  { name: "setup-sso", as: "customer", act: (p) => press(p, "Go on with Microsoft Entra ID") },
  { name: "setup-sso-wrong", as: "customer", act: async (p) => { await p.locator("#metadata").fill("hello"); await press(p, "Save"); } },
  { name: "setup-sso-known", as: "customer", act: async (p) => { await p.locator("#metadata").fill(metadata); await press(p, "Save"); } },
  { name: "setup-domains", as: "customer", at: "/setup/domains" },
  { name: "setup-domains-wrong", as: "customer", act: async (p) => { await fill(p, "E-mail domains", "gmail.com"); await press(p, "Save"); } },
  { name: "setup-domains-waiting", as: "customer", act: async (p) => { await fill(p, "E-mail domains", "tailspin.example"); await press(p, "Save"); } },
  { name: "setup-handed", as: "customer", act: async (p) => {
    await p.locator("summary", { hasText: "Hand this step" }).click(); await press(p, "Make a link for this step");
  } },
  { name: "setup-domains-handed", as: "customer", act: (p) => p.getByRole("link", { name: "I have copied it" }).click() },
  { name: "setup-test", as: "customer", at: "/setup/test" },
  { name: "setup-directory", as: "customer", at: "/setup/directory" },
  { name: "setup-token", as: "customer", act: (p) => press(p, "Make a directory and its token") },
  { name: "setup-panel", as: "customer", act: (p) => p.getByRole("link", { name: "I have stored it" }).click() },
  { name: "setup-enforce", as: "customer", at: "/setup/enforce" },
  { name: "setup-enforce-wrong", as: "customer", act: async (p) => { await p.locator("[value=offered]").check(); await press(p, "Go on"); } },
  { name: "setup-summary", as: "customer", at: "/setup/summary" },
  { name: "setup-finish", as: "customer", act: (p) => p.getByRole("link", { name: "Finish and end this link" }).click() },
  { name: "setup-done", as: "customer", act: (p) => press(p, "Finish and end this link") },
  { name: "setup-ended", as: "customer", at: new URL(setup).pathname },
];

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const report = { seen: [], problems: [], bytes: {} };
const wrong = (name, what) => report.problems.push(`${name}: ${what}`);
const windows = {};

async function windowOf(who) {
  if (windows[who]) return windows[who];
  const p = await (await browser.newContext({ reducedMotion: "reduce" })).newPage(); // no color is halfway
  p.setDefaultTimeout(15000);
  // A refused form and a page that is not there are answered by a status that the browser reports.
  p.on("console", (m) => {
    if (["error", "warning"].includes(m.type()) && !/Failed to load resource: the server responded with a status of 4/.test(m.text())) {
      wrong(p.url(), `the browser reports ${m.text()}`);
    }
  });
  p.on("pageerror", (e) => wrong(p.url(), String(e)));
  p.on("request", (r) => {
    if (p.url().startsWith(rollcall) && !r.isNavigationRequest() && !r.url().startsWith(rollcall)) wrong(p.url(), `asks ${r.url()}`);
  });
  return windows[who] = p;
}

// Tab leads through all that can be used, each with an outline, a name and a size that can be hit.
async function keyboard(p, name) {
  await p.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
  await p.locator("body").evaluate((b) => { b.tabIndex = -1; b.focus(); b.removeAttribute("tabindex"); });
  const stops = [];
  for (let i = 0; i < 200; i++) {
    await p.keyboard.press("Tab");
    const stop = await p.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const style = getComputedStyle(e), label = e.closest("label"); // a click on the label is one on what is in it
      const box = (label ?? e).getBoundingClientRect();
      const name = e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.textContent).join(" ") || e.textContent;
      const inText = e.tagName === "A" && style.display === "inline";
      return { at: `${e.tagName} ${name.trim().slice(0, 40)}`, name: name.trim(), inText,
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth), small: Math.min(box.width, box.height) };
    });
    if (!stop) break;
    if (stops.some((s) => s.at === stop.at) && stop.at === stops[0].at) break;
    stops.push(stop);
    if (stop.outline < 2) wrong(name, `no outline on ${stop.at}`);
    if (!stop.name) wrong(name, `no name for ${stop.at}`);
    if (!stop.inText && stop.small < 24) wrong(name, `${stop.at} is ${stop.small} pixels`);
  }
  if (stops.length < 2) wrong(name, `Tab stops ${stops.length} times`);
  return stops.length;
}

for (const { name, at, as = "member", act } of pages) {
  const p = await windowOf(as);
  if (at) await p.goto(rollcall + at);
  if (act) await act(p);
  await p.waitForLoadState();
  if (!p.url().startsWith(rollcall)) wrong(name, `leads to ${p.url()}`);
  const seen = { name, url: p.url().slice(rollcall.length), title: await p.title(), checks: 0 };
  for (const scheme of ["light", "dark"]) for (const width of [390, 1280]) {
    await p.setViewportSize({ width, height: width < 500 ? 844 : 800 });
    await p.emulateMedia({ colorScheme: scheme });
    await p.evaluate(axe);
    const found = await p.evaluate(() => window.axe.run());
    seen.checks += found.passes.length;
    for (const v of found.violations) {
      wrong(name, `${scheme} ${width}: ${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
    }
    await p.screenshot({ path: path.join(shots, `${name}-${scheme}-${width}.png`), fullPage: true });
  }
  for (const width of [320, 390, 1280]) {
    await p.setViewportSize({ width, height: 800 });
    const wide = await p.evaluate(() => document.documentElement.scrollWidth > innerWidth &&
      [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 80)));
    if (wide) wrong(name, `is wider than a window of ${width}: ${wide}`);
  }
  seen.stops = await keyboard(p, name);
  report.seen.push(seen);
}

// What a first visit and the one after it bring over the wire.
const visitor = await (await browser.newContext()).newPage();
const wire = await visitor.context().newCDPSession(visitor);
await wire.send("Network.enable");
let sum = 0;
wire.on("Network.loadingFinished", (e) => { sum += e.encodedDataLength; });
for (const visit of ["first", "second"]) {
  sum = 0;
  await visitor.goto(`${rollcall}/login`, { waitUntil: "networkidle" });
  report.bytes[visit] = sum;
}
await browser.close();
console.log(JSON.stringify(report, null, 1));
