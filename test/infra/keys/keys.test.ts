import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { LOCAL } from "../../../infra/local/names.ts";
import { mirrorsPrefix } from "../../../shared/documents/mirror.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { sha256 } from "../../../shared/hash.ts";
import { ended } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { placesOf } from "../../support/remains.ts";
import { startWorld, type World } from "../../support/world.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

// One world for the file: each test has keys of its own, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** The command as a person runs it. */
async function keysCommand(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["infra/launch.js", "cli/main.ts", "keys", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, hints, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { out, hints, code: code as number };
}

const keys = (...args: string[]) => keysCommand([...args, "--state", world.directory]);
const keyIn = (directory: string) => join(directory, "key");

const statusOf = async (bearer: string, path = "/runs") =>
  (await world.call(path, { headers: { authorization: `Bearer ${bearer}` } })).status;

test("a key is made, works, is listed without itself, and works no more when it is revoked", async () => {
  const made = await keys("create", "--name", "for ci", "--owner", "carol", "--expires", "90d");
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^ry_[\w-]{43}\n$/) });
  const key = made.out.trim();
  const [id = ""] = /key_\w{12}/.exec(made.hints) ?? [];
  expect(made.hints).toMatch(/of carol, scope run, until \d{4}-/);
  expect(made.hints).not.toContain(key);
  const listed = await keys("list");
  const line = listed.out.split("\n").find((text) => text.startsWith(id));
  expect(line).toMatch(new RegExp(`^${id} +${key.slice(0, 8)}… +carol +run .* valid +for ci$`));
  expect(listed.out).not.toContain(key);

  const other = (await keys("create", "--name", "used just now")).out.trim();
  expect(await statusOf(other)).toBe(200);
  const revoked = await keys("revoke", id);
  expect(revoked).toMatchObject({ code: 0, out: expect.stringContaining(`Revoked ${id}`) });
  // Not used before, so not remembered.
  expect(await statusOf(key)).toBe(401);
  expect((await keys("list")).out).toMatch(new RegExp(`${id} .* revoked +for ci`));
  const again = await keys("revoke", id);
  expect(again).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Nothing to do: .* was revoked/),
  });
}, 180_000);

test("a key of scope read may look and not run", async () => {
  const key = (await keys("create", "--name", "look", "--scope", "read")).out.trim();
  expect(await statusOf(key)).toBe(200);
  const headers = { authorization: `Bearer ${key}` };
  const refused = await world.call("/runs", { json: { prompt: "echo" }, headers });
  expect([refused.status, await refused.json()]).toEqual([
    403,
    expect.objectContaining({ code: "forbidden" }),
  ]);
}, 180_000);

test("what cannot be done says why, and nothing else", async () => {
  const unknown = await keys("revoke", "key_unknown");
  expect(unknown).toEqual({
    code: 1,
    out: "",
    hints: "There is no key key_unknown; list shows the keys.\n",
  });
  const nowhere = await keysCommand(["list", "--state", join(world.directory, "none")]);
  expect(nowhere).toMatchObject({
    code: 3,
    out: "",
    hints: expect.stringMatching(/^No server runs on/),
  });
  const wrong = await keys("create");
  expect(wrong).toMatchObject({ code: 2, out: "", hints: expect.stringMatching(/^--name must/) });
  const help = await keysCommand(["create", "--help"]);
  expect(help).toMatchObject({ code: 0, out: expect.stringContaining("--name <NAME>") });
}, 180_000);

test("keys of a project need no state", async () => {
  const env = {
    FIRESTORE_EMULATOR_HOST: world.local.address.clients["FIRESTORE_EMULATOR_HOST"] ?? "",
  };
  const order = ["create", "--name", "x", "--owner", "carol", "--project", "another-project"];
  expect(await keysCommand(order, env)).toMatchObject({ code: 0 });
  const listed = await keysCommand(["list", "--project", "another-project"], env);
  expect(listed.out.trim().split("\n")).toHaveLength(2);
}, 180_000);

test("the key of the first start is for everything, and once it is revoked it stays so", async () => {
  await using own = await startWorld();
  const at = ["--state", own.directory];
  const line = (await keysCommand(["list", ...at])).out.split("\n")[1] ?? "";
  expect(line).toMatch(/^key_\w{12} +ry_.{5}… +local +admin .* valid +first start$/);
  const revoked = await keysCommand(["revoke", line.split(" ")[0] ?? "", ...at]);
  expect(revoked.hints).toContain(`remove that file`);
  await own.restart();
  const refused = await own.call("/runs");
  expect([refused.status, await refused.json()]).toEqual([
    401,
    expect.objectContaining({ detail: expect.stringContaining("was revoked at") }),
  ]);
  rmSync(keyIn(own.directory));
  await own.restart();
  expect((await own.call("/runs")).status).toBe(200);
}, 180_000);

/**
 * Leaves a firing, a count, a lane and a delivery, whose trigger and webhook are deleted.
 *
 * @returns what stands in the event
 */
async function leaveEvents(headers: Record<string, string>): Promise<string> {
  const marker = "the event of the owner to erase";
  const post = async (path: string, json: object) =>
    (await (await world.call(path, { headers, json })).json()) as { id: string; secret: string };
  const source = { kind: "webhook", verify: { scheme: "bearer" } };
  const asked = { name: "its trigger", source, prompt: "echo", overlap: "skip" };
  const { id, secret } = await post("/triggers", asked);
  const authorization = `Bearer ${secret}`;
  await world.call(`/hooks/${id}`, { headers: { authorization }, json: { marker } });
  const { id: webhook } = await post("/webhooks", { url: world.local.address.apiUrl });
  await post(`/webhooks/${webhook}/ping`, {});
  const { items } = await eventually(async () => {
    const firings = (await (await world.call(`/triggers/${id}/firings`, { headers })).json()) as {
      items: { runId: string }[];
    };
    expect(firings.items).toHaveLength(1);
    return firings;
  });
  const fired = (await (await world.call(`/runs/${items[0]?.runId}`, { headers })).json()) as Run;
  await ended(world, fired);
  for (const path of [`/runs/${fired.id}`, `/triggers/${id}`, `/webhooks/${webhook}`]) {
    await world.call(path, { method: "DELETE", headers: { ...headers, "if-match": "*" } });
  }
  return marker;
}

test("an owner is erased who has no runs, and nothing of it is left", async () => {
  const owner = "owner-to-erase";
  const bearer = (await keys("create", "--name", "its own", "--owner", owner)).out.trim();
  const headers = { authorization: `Bearer ${bearer}` };
  const name = "its agent";
  await world.call("/agents", { headers, json: { name, settings: {} } });
  const json = { prompt: "echo", labels: { team: "blue" } };
  const run = (await (await world.call("/runs", { headers, json })).json()) as Run;
  await ended(world, run);
  const marker = await leaveEvents(headers);
  expect((await keys("erase", owner)).hints).toMatch(/say --yes if that is meant/);
  const refused = await keys("erase", owner, "--yes");
  expect(refused).toMatchObject({ code: 1, hints: expect.stringContaining(`as ${run.id}.`) });
  await world.call(`/runs/${run.id}`, { method: "DELETE", headers });
  await world.storage
    .bucket(LOCAL.bucket)
    .file(`${mirrorsPrefix(owner)}a.pack`)
    .save("pack");
  expect(await keys("erase", owner, "--yes")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Erased \d+ documents and 1 mirror of owner-to-erase\.\n$/),
  });
  for (const text of [owner, sha256(owner)]) expect(await placesOf(world, text)).toEqual([]);
  // The event itself says nobody's name, may be others' as well, and goes after thirty days.
  expect(await placesOf(world, marker)).toEqual([expect.stringMatching(/^events\/[0-9a-f]{64}$/)]);
  expect((await keys("list")).out).toContain("local");
}, 180_000);
