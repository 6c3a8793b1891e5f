import { PAGE_POLICY } from "../../../../functions/api/page/page.ts";
import { buildPage } from "../../../../infra/page/build-page.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => {
  buildPage();
  server = await startApiServer();
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** What the page names in its HTML. */
async function assets(): Promise<string[]> {
  const page = await (await server.call("/")).text();
  return [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
}

test("the page is not kept, and may load and run its own alone", async () => {
  const response = await server.call("/");
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("content-security-policy")).toBe(PAGE_POLICY);
  expect(response.headers.get("set-cookie")).toBeNull();
  const page = await response.text();
  expect(page).not.toMatch(/<style|<script(?! type="module" src="\/assets\/)| style=| on\w+=/);
});

test("what it loads is kept for good, under names of its content, and is small", async () => {
  const paths = await assets();
  expect(paths.filter((path) => /page-|style-/.test(path))).toHaveLength(2);
  let bytes = 0;
  for (const path of paths) {
    const response = await server.call(path);
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(response.headers.get("content-encoding")).toBe("gzip");
    bytes += Number(response.headers.get("content-length"));
    const plain = await server.call(path, { headers: { "accept-encoding": "identity" } });
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.text()).toBe(await response.text());
  }
  expect(bytes).toBeLessThan(60_000);
});

test("all of the page together is small, and what it needs at once is named in its HTML", async () => {
  const named = await assets();
  const queue = [...named];
  const found = new Set<string>();
  let bytes = 0;
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (found.has(path)) continue;
    found.add(path);
    const response = await server.call(path);
    bytes += Number(response.headers.get("content-length"));
    const text = await response.text();
    const imported = (pattern: RegExp) =>
      [...text.matchAll(pattern)].map(([, name]) => `/assets/${name}`);
    const atOnce = imported(/(?:from|import)\s?"\.\/([^"]+)"/g);
    if (named.includes(path)) expect(named).toEqual(expect.arrayContaining(atOnce));
    queue.push(...atOnce, ...imported(/import\(\s?"\.\/([^"]+)"/g));
  }
  expect(found.size).toBeGreaterThan(named.length);
  // Triggers, webhooks and deliveries took 13 kB of it; they are loaded when they are looked at.
  expect(bytes).toBeLessThan(130_000);
});

test.each(["/assets/none.js", "/assets/page.css", "/assets/..%2findex.html", "/assets/index.html"])(
  "there is nothing at %s",
  async (path) => {
    const response = await server.call(path);
    expect(await response.json()).toMatchObject({ status: 404, code: "not_found" });
  },
);
