// Walks through the demo in Debian's Chromium and prints the pages as JSON, which
// browser_interop_test.go checks.
// node walk.mjs MODULES APPLICATION IDP ROLLCALL PROFILE_FOLDER SCREENSHOT_FOLDER
import { createRequire } from "node:module";
import path from "node:path";

const [modules, app, idp, rollcall, profile, shots] = process.argv.slice(2);
const { chromium } = createRequire(path.resolve(modules, "walk.cjs"))("playwright-core");

const browser = (folder, more) => chromium.launchPersistentContext(path.join(profile, folder), {
  executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1280, height: 800 },
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...more,
});

const context = await browser("scripted");
context.setDefaultTimeout(15000);
const page = context.pages()[0] ?? await context.newPage();

const errors = []; // errors that the browser reports
const watch = (p) => {
  p.on("console", (m) => { if (m.type() === "error") errors.push(`${p.url()}: ${m.text()}`); });
  p.on("pageerror", (e) => errors.push(`${p.url()}: ${e}`));
};
watch(page);

// Browsers send the site of the form to the ACS.
const posts = [];
context.on("request", (r) => {
  if (r.method() === "POST" && r.url().endsWith("/acs")) posts.push(r.allHeaders().then((h) => h["sec-fetch-site"] ?? ""));
});

let taken = 0;
async function see(p, name) {
  const seen = {
    url: p.url(), title: await p.title(), text: (await p.locator("body").innerText()).replace(/\s+/g, " ").trim(),
    wide: [],
  };
  taken++;
  for (const width of [390, 1280]) {
    await p.setViewportSize({ width, height: width < 500 ? 844 : 800 });
    if (await p.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.wide.push(width);
    await p.emulateMedia({ colorScheme: width < 500 ? "light" : "dark" });
    await p.screenshot({ path: path.join(shots, `${String(taken).padStart(2, "0")}-${name}-${width}.png`), fullPage: true });
  }
  return seen;
}

const report = {};
const mail = "kwame.mensah@contoso.example";

await page.goto(app);
report.welcome = await see(page, "welcome");
const begin = page.locator(".choices a", { hasText: "Contoso" });
const link = await begin.getAttribute("href");
await begin.click();
await page.waitForURL(`${idp}/**`);
report.choice = await see(page, "choice");
await page.getByRole("button", { name: mail }).click();
await page.waitForURL(`${app}/`);
report.signedIn = await see(page, "signed-in");
report.cookies = (await context.cookies()).map(
  ({ name, domain, path: where, httpOnly, secure, sameSite }) => ({ name, domain, path: where, httpOnly, secure, sameSite })).sort((a, b) => (a.name < b.name ? -1 : 1));

// The back button leads to the identity provider's answer, which the browser posts again. It must
// not sign in another time, and leads to where the first one led.
await page.goBack({ waitUntil: "commit" }).catch(() => {}); // the form's script navigates before the page is loaded
await page.waitForURL(`${rollcall}/**/acs`, { timeout: 5000 }).catch(() => {});
// The browser has no copy of the answer any more and asks before it sends the form again.
await page.reload({ waitUntil: "commit" }).catch(() => {});
await page.waitForURL(`${app}/`);
report.back = await see(page, "back");
await page.goto(app);
report.afterBack = await see(page, "after-back");

// A second tab is signed in already. A sign-in there succeeds without a question.
const tab = await context.newPage();
watch(tab);
await tab.goto(app);
report.tab = await see(tab, "second-tab");
await tab.goto(app + link);
await tab.waitForURL(`${app}/`);
report.again = await see(tab, "second-tab-again");

// The page changes by itself when the identity provider unassigns the user.
const admin = await context.newPage();
watch(admin);
await admin.goto(`${idp}/applications/1`);
await admin.getByRole("row", { name: mail }).getByRole("button", { name: "Unassign" }).click();
await admin.getByRole("heading", { name: "Unassign Kwame Mensah: done" }).waitFor();
report.unassigned = await see(admin, "unassigned");
await page.bringToFront();
await page.getByRole("heading", { name: "Your access has ended" }).waitFor();
report.ended = await see(page, "ended");
await tab.bringToFront();
await tab.getByRole("heading", { name: "Your access has ended" }).waitFor();
report.tabEnded = await see(tab, "ended-second-tab");

// A new sign-in is refused. The identity provider remembers the user and asks nothing.
const refused = page.waitForResponse((r) => r.url().endsWith("/acs"));
await page.getByRole("link", { name: "Try to sign in again" }).click();
report.refusedStatus = (await refused).status();
await page.waitForURL(`${rollcall}/**/acs`);
report.refused = await see(page, "refused");

// Another user signs in from the tile at the identity provider, in a browser without cookies, and
// signs out.
await admin.goto(`${idp}/applications/1/people/priya.raman`);
report.person = await see(admin, "person");
await admin.getByRole("button", { name: "Open Contoso" }).click();
await admin.waitForURL(`${app}/`);
report.tile = await see(admin, "tile");
await admin.getByRole("button", { name: "Sign out" }).click();
await admin.getByRole("heading", { name: "Sign in" }).waitFor();
report.signedOut = await see(admin, "signed-out");
await admin.goto(app);
report.afterwards = await see(admin, "afterwards");

report.sites = await Promise.all(posts);
report.errors = errors;
await context.close();

// Without JavaScript there is one more button, and the page changes only when it is loaded again.
const plain = await browser("plain", { javaScriptEnabled: false });
plain.setDefaultTimeout(15000);
const quiet = plain.pages()[0] ?? await plain.newPage();
await quiet.goto(app);
await quiet.locator(".choices a", { hasText: "Fabrikam" }).click();
await quiet.getByRole("button", { name: "noor.alfarsi@fabrikam.example" }).click();
report.plainAnswer = await see(quiet, "plain-answer");
await quiet.getByRole("button", { name: "Continue" }).click();
await quiet.waitForURL(`${app}/`);
report.plain = await see(quiet, "plain");

// The login page with the keyboard: an address leads to its identity provider, a wrong password to a
// refusal.
await quiet.goto(`${rollcall}/login`);
report.login = await see(quiet, "login");
await quiet.getByLabel("E-mail address").fill("grace@tailspin.example");
await quiet.keyboard.press("Enter");
// The application begins the login, which is another site: who is signed in is asked first.
await quiet.getByRole("button", { name: "Go on to Tailspin" }).waitFor();
report.question = await see(quiet, "question");
await quiet.getByRole("button", { name: "Go on to Tailspin" }).click();
await quiet.waitForURL(`${idp}/**`);
report.homeRealm = await see(quiet, "home-realm");
await quiet.goto(`${rollcall}/login`);
await quiet.getByLabel("E-mail address").fill("noor.alfarsi@fabrikam.example");
await quiet.getByRole("button", { name: /password/i }).click();
report.password = await see(quiet, "password");
await quiet.getByLabel("Password").fill("not the password");
await quiet.keyboard.press("Enter");
await quiet.getByRole("alert").waitFor();
report.wrongPassword = await see(quiet, "wrong-password");
await plain.close();
console.log(JSON.stringify(report, null, 1));
