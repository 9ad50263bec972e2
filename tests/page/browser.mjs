// Drives the page of `status` in a browser; run.py starts the server and this, with what it needs to
// know as JSON. A line per case: `ok NAME`, or `FAIL NAME: why`.
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const order = JSON.parse(process.argv[2]);
const patience = 15000 * order.slack;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
    executablePath: order.browser,
    args: order.root ? ["--no-sandbox"] : [],
});

/** A page of its own, and what its console complained of. */
async function open(path = "/", options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    const errors = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(order.url + path);
    return { page, errors, [Symbol.asyncDispose]: () => context.close() };
}

async function test(name, body) {
    try {
        await body();
        console.log(`ok ${name}`);
    } catch (error) {
        console.log(`FAIL ${name}: ${String(error.message).replaceAll(/\s+/g, " ").slice(0, 700)}`);
    }
}

async function using(opened, body) {
    const what = await opened;
    try {
        await body(what.page, what.errors);
        assert.deepEqual(what.errors, [], "the console has errors");
    } finally {
        await what[Symbol.asyncDispose]();
    }
}

/** axe's findings that are serious or worse. The page's policy keeps it out of the page itself. */
async function findings(page) {
    const session = await page.context().newCDPSession(page);
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
    await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
        expression: `axe.run(document).then((r) => JSON.stringify([r.passes.length, r.violations
            .filter((v) => v.impact === "serious" || v.impact === "critical")
            .map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary).join("; "))]))`,
        contextId: executionContextId,
        awaitPromise: true,
    });
    assert.equal(exceptionDetails, undefined);
    const [passes, violations] = JSON.parse(result.value);
    assert.ok(passes > 10, `axe looked at ${passes} rules only`);
    return violations;
}

/** What is wider than the page. */
const overflow = (page) =>
    page.evaluate(() => {
        const root = document.documentElement;
        if (root.scrollWidth <= root.clientWidth) {
            return [];
        }
        return [...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
            .slice(0, 5)
            .map((element) => element.outerHTML.slice(0, 90));
    });

/** Writes manifests as a cluster's tools do: beside, then renamed. */
function write(file, object) {
    const path = join(order.manifests, file);
    writeFileSync(`${path}.new`, JSON.stringify(object));
    renameSync(`${path}.new`, path);
}

function slice(ready) {
    const object = JSON.parse(readFileSync(join(order.manifests, "pod.json"), "utf8"));
    object.endpoints[0].conditions.ready = ready;
    return object;
}

const row = (page, name) => page.locator("#services-table tbody tr", { has: page.getByText(name, { exact: true }) });

/** What writes manifests: one after the other. */
async function changing() {
    await test("the page follows when a pod becomes ready; focus and what is typed stay", () =>
        using(open(), async (page) => {
            await row(page, "slow").getByText("0 of 1 ready").waitFor();
            await page.locator("input[name=q]").fill("half a wo");
            await page.locator("input[name=q]").evaluate((input) => input.setSelectionRange(2, 4));
            await page.evaluate(() => {
                window.scrollTo(0, 120);
                window.same = document.getElementById("services-table").querySelector("tbody tr");
            });
            write("pod.json", slice(true));
            await row(page, "slow").getByText("1 of 1 ready").waitFor();
            assert.deepEqual(
                await page.evaluate(() => {
                    const input = document.activeElement;
                    return [input.name, input.value, input.selectionStart, input.selectionEnd, window.scrollY,
                        window.same.isConnected];
                }),
                ["q", "half a wo", 2, 4, 120, true],
            );
            write("pod.json", slice(false));
            await row(page, "slow").getByText("0 of 1 ready").waitFor();
        }));

    await test("type a name, see why; the page follows when the pod becomes ready", () =>
        using(open(), async (page) => {
            const name = page.getByLabel("Name, as a pod would ask for it");
            await name.fill("slow");
            await page.getByLabel("Namespace of the pod").fill("prod");
            await name.press("Enter");
            await page.waitForURL(/\/explain\?name=slow/);
            const verdict = page.locator("#explained");
            await verdict.getByText("Not found.").waitFor();
            await page.locator("#findings").getByText("ready").first().waitFor();
            await page.locator("#explained-services tbody tr").getByText("out", { exact: true }).waitFor();
            await page.getByLabel("or its IP address").fill("10.2");
            write("pod.json", slice(true));
            await verdict.getByText("Found.", { exact: true }).waitFor();
            await page.locator("#explained-services tbody tr").getByText("in", { exact: true }).waitFor();
            assert.match(await page.title(), /slow is found/);
            assert.deepEqual(
                await page.evaluate(() => [document.activeElement.name, document.activeElement.value]),
                ["from", "10.2"],
            );
            write("pod.json", slice(false));
            await verdict.getByText("Not found.").waitFor();
        }));

    await test("new Services come, and go, in their place", () =>
        using(open("/?q=prod"), async (page) => {
            const names = () => page.locator("#services-table tbody th").allInnerTexts();
            const before = await names();
            write("more.json", {
                apiVersion: "v1", kind: "Service", metadata: { name: "between", namespace: "prod" },
                spec: { type: "ClusterIP", clusterIP: "10.96.7.7", ports: [{ port: 80 }] },
            });
            await row(page, "between").waitFor();
            assert.deepEqual((await names()).filter((name) => !name.includes("between")), before);
            write("more.json", { apiVersion: "v1", kind: "List", items: [] });
            await row(page, "between").waitFor({ state: "detached" });
            assert.deepEqual(await names(), before);
        }));
}

/** What may go on beside that. */
async function reading() {
    await test("a Service of the list leads to its explanation, by keyboard as well", () =>
        using(open("/?q=web.prod"), async (page) => {
            await page.getByRole("link", { name: "web", exact: true }).focus();
            await page.keyboard.press("Enter");
            await page.locator("#explained").getByText("Found.", { exact: true }).waitFor();
        }));

    await test("what can't be explained is said, and not asked again", () =>
        using(open("/explain"), async (page, errors) => {
            await page.getByLabel("Name, as a pod would ask for it").fill("a..b");
            await page.getByRole("button", { name: "Explain" }).click();
            await page.getByText("No explanation:").waitFor();
            assert.equal(await page.locator("#pause").isVisible(), false);
            errors.length = 0; // the status 400
        }));

    await test("updates can be paused", () =>
        using(open(), async (page) => {
            const clock = () => page.locator("#as-of").innerText();
            const first = await clock();
            await page.waitForFunction((text) => document.getElementById("as-of").innerText !== text, first);
            await page.getByRole("button", { name: "Pause updates" }).click();
            const requests = [];
            page.on("request", (request) => requests.push(request.url()));
            await page.waitForTimeout(3000);
            assert.deepEqual(requests, []);
            await page.getByRole("button", { name: "Resume updates" }).click();
            await page.waitForFunction((text) => document.getElementById("as-of").innerText !== text, await clock());
        }));

    await test("a server that is gone is said, and that it is back", () =>
        using(open(), async (page, errors) => {
            await page.route("**/*", (route) => route.abort());
            await page.getByText("The server does not answer.").waitFor();
            await page.unroute("**/*");
            await page.waitForFunction(() => document.getElementById("connection").textContent === "");
            errors.length = 0; // the requests that were cut
        }));

    await test("by keyboard: the skip link comes first, and leads to the content", () =>
        using(open(), async (page) => {
            await page.keyboard.press("Tab");
            const link = page.getByRole("link", { name: "Skip to the content" });
            await page.waitForFunction(() => document.activeElement.getBoundingClientRect().top >= 0);
            assert.equal(await link.evaluate((element) => element === document.activeElement), true);
            assert.notEqual(await link.evaluate((element) => getComputedStyle(element).outlineStyle), "none");
            await page.keyboard.press("Enter");
            assert.equal(await page.evaluate(() => document.activeElement.id), "main");
        }));

    await test("without JavaScript: all tables, and the filter", () =>
        using(open("/", { javaScriptEnabled: false }), async (page) => {
            for (const caption of ["Cluster zones", "Upstreams", "Replies", "Cache"]) {
                assert.equal(await page.locator("caption", { hasText: caption }).count(), 1, caption);
            }
            assert.equal(await page.locator("figure svg").count(), 3);
            await page.locator("input[name=q]").fill("slow");
            await page.getByRole("button", { name: "Filter" }).click();
            await page.waitForURL(/q=slow/);
            assert.equal(await page.locator("#services-table tbody tr").count(), 1);
            assert.equal(await page.locator("#pause").isVisible(), false);
        }));

    await test("hostile names are text", () =>
        using(open(), async (page) => {
            assert.equal(await page.evaluate(() => window.hostile), undefined);
            assert.equal(await page.locator("img[src=x], b.hostile").count(), 0);
        }));

    for (const [theme, options] of Object.entries({
        light: { colorScheme: "light" },
        dark: { colorScheme: "dark" },
        phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
        narrow: { colorScheme: "dark", viewport: { width: 320, height: 640 } },
    })) {
        for (const [name, path] of Object.entries(order.paths)) {
            await test(`${name}, ${theme}: fits, and axe finds nothing serious`, () =>
                using(open(path, options), async (page) => {
                    await page.screenshot({ path: join(order.shots, `${name}-${theme}.png`), fullPage: true });
                    assert.deepEqual(await overflow(page), [], "wider than the page");
                    assert.deepEqual(await findings(page), [], "axe");
                }));
        }
    }
}

await Promise.all([changing(), reading()]);
await browser.close();
