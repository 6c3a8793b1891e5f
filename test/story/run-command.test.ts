import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { perform, type Runyard } from "../support/runyard-command.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 300_000;

// One server for the file: each test has runs of its own, and a world costs seconds.
let world: World;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), "run-command-"));
}, LONG_MS);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world[Symbol.asyncDispose]();
});

const runyard: Runyard = (args, surroundings) => perform(world, folder, { args, ...surroundings });

const lines = (output: string) => output.trim().split("\n");
const documents = (output: string) => lines(output).map((line) => JSON.parse(line));

/** Sends a run and returns its id. */
async function sent(...args: string[]): Promise<string> {
  const { out, code } = await runyard(["run", "--detach", ...args]);
  expect(code).toBe(0);
  return out.trim();
}

test(
  "a run is sent and followed: the answer alone on standard output, the rest beside it, with what comes next",
  async () => {
    const { code, out, said } = await runyard(["run", "Create", "hello.txt"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^\[offline\] I wrote hello\.txt.*\n$/);
    const [id = ""] = said.match(/^run_\w+/) ?? [];
    expect(said).toMatch(/\n +\d+\.\ds pending +accepted\n/);
    expect(said).toMatch(/\n +\d+\.\ds running +turn \d: .*Write hello\.txt\n/);
    expect(said).toMatch(/\n +\d+\.\ds succeeded +Done\.\n {2}Changed +hello\.txt \(\+1\)\n/);
    expect(said).toContain(`npx runyard diff ${id}\n`);
    expect(said).toContain(`npx runyard apply ${id}\n`);
    expect(said).not.toContain("gs://");
    expect(said + out).not.toContain("\u001b");

    const tree = mkdtempSync(join(folder, "tree-"));
    const outside = await runyard(["apply", id], { cwd: tree });
    expect(outside).toMatchObject({ code: 1, said: expect.stringMatching(/in no working tree/) });
    spawnSync("git", ["init", "-q"], { cwd: tree });
    const hook = join(tree, ".git/hooks/applypatch-msg");
    writeFileSync(hook, `#!/bin/sh\ntouch ${tree}/ran\n`, { mode: 0o755 });
    const tried = await runyard(["apply", "--check", id], { cwd: tree });
    expect(tried).toMatchObject({ code: 0, out: "", said: "It applies: hello.txt (+1)\n" });
    expect(existsSync(join(tree, "hello.txt"))).toBe(false);
    expect(await runyard(["apply", id], { cwd: tree })).toMatchObject({ code: 0, out: "" });
    expect(readFileSync(join(tree, "hello.txt"), "utf8")).toBe("Hello from Runyard.\n");
    const again = await runyard(["apply", id], { cwd: tree });
    expect(again).toMatchObject({ code: 1, said: expect.stringMatching(/Nothing was changed/) });
    expect(await runyard(["apply", "--check", id], { cwd: tree })).toMatchObject({ code: 1 });
    expect(existsSync(join(tree, "ran"))).toBe(false);

    const diff = await runyard(["diff", id]);
    expect(diff.out).toContain("+++ b/hello.txt");
    expect((await runyard(["diff", "--stat", id])).out).toBe("added  +1 -0  hello.txt\n");
    expect((await runyard(["artifacts", id])).out).toMatch(/ patch\.diff\n/);
    expect((await runyard(["artifacts", id, "patch.diff"])).out).toBe(diff.out);
    const all = join(folder, "all");
    expect((await runyard(["artifacts", id, "--all", "-o", all])).code).toBe(0);
    expect(readFileSync(join(all, "patch.diff"), "utf8")).toBe(diff.out);
    const sessions = ["artifacts", id, "--all", "--prefix", "session/", "-o", join(folder, "some")];
    expect((await runyard(sessions)).out).toMatch(/\/some\/session\/\S+\.jsonl /);
    expect(existsSync(join(folder, "some/patch.diff"))).toBe(false);
    expect((await runyard(["transcript", id])).out).toMatch(/\n {2}Write {2}hello\.txt\n/);
    expect((await runyard(["logs", id])).out).toMatch(/^starting build/);
    expect((await runyard(["show", id])).out).toMatch(
      /succeeded: Done\.\n {2}Prompt +Create hello/,
    );
    const next = await runyard(["say", id, "what did I ask before"]);
    expect(next).toMatchObject({ code: 0, out: expect.stringContaining("Create hello.txt") });
    expect((await runyard(["rerun", id, "--detach"])).out).toMatch(/^run_\w+\n$/);
    expect(await runyard(["delete", id])).toMatchObject({ code: 2 });
    expect(await runyard(["delete", "--yes", id])).toMatchObject({ code: 0 });
    expect(await runyard(["show", id])).toMatchObject({ code: 3, said: `there is no run ${id}\n` });
  },
  LONG_MS,
);

const BIG = "run: head -c 40000000 /dev/zero > big";

test.each<[number, string, string[]]>([
  [1, "fails", ["fail with 400"]],
  [0, "succeeds without all of its files", [BIG]],
  [4, "succeeds without all of its files, which is to be strict", ["--strict", BIG]],
  [124, "runs out of time", ["--timeout", "10s", "wait 60 seconds"]],
])(
  "the command ends with %d if the run %s",
  async (code, _name, args) => {
    const ended = await runyard(["run", ...args]);
    expect([ended.code, ended.said]).toEqual([code, expect.stringMatching(/\n {2}(Next|Remedy) /)]);
  },
  LONG_MS,
);

test(
  "several runs are watched at once; one that is cancelled meanwhile ends the command with 5, and goes on",
  async () => {
    const [first, second] = [await sent("echo"), await sent("wait 100 seconds")];
    const watching = runyard(["watch", first, second, "--json=id,status,done"]);
    const cancelled = await runyard(["cancel", second, "--json=id"]);
    expect(cancelled).toMatchObject({ code: 0, out: `{"id":"${second}"}\n` });
    const { code, out } = await watching;
    expect(code).toBe(5);
    const seen = documents(out);
    expect(seen.filter(({ done }) => done)).toEqual([
      expect.objectContaining({ done: true }),
      expect.objectContaining({ done: true }),
    ]);
    expect(Object.keys(seen[0])).toEqual(["id", "status", "done"]);
    const people = await runyard(["watch", second, first]);
    expect(people).toMatchObject({ code: 5 });
    expect(lines(people.out).map((line) => line.split(/ {2}/).slice(0, 2))).toEqual(
      expect.arrayContaining([
        [first, "succeeded"],
        [second, "cancelled"],
      ]),
    );
    const continued = await runyard(["continue", second, "echo"]);
    expect(continued.code).toBe(0);
  },
  LONG_MS,
);

test(
  "a prompt comes from words, a file or standard input, and a run is one however often its key is sent",
  async () => {
    const file = join(folder, "prompt.txt");
    writeFileSync(file, "echo\nfrom a file");
    const once = ["--detach", "--idempotency-key", "k1"];
    const one = await runyard(["run", ...once, "-f", file]);
    const two = await runyard(["run", ...once, "-"], { input: "echo\nfrom a file" });
    expect([two.code, two.out]).toEqual([0, one.out]);
    const other = await runyard(["run", ...once, "echo"]);
    expect(other.code).toBe(3);
    const labels = ["--label", "team=docs", "--label", "n=1"];
    const labelled = await sent("echo", ...labels, "--attach", file);
    const listed = await runyard(["list", "--label", "team=docs", "--json=id,labels"]);
    expect(documents(listed.out)).toEqual([{ id: labelled, labels: { team: "docs", n: "1" } }]);
    expect((await runyard(["list", "--label", "team=none"])).out).toBe("");
    const period = ["list", "--label", "team=docs", "--json=id"];
    expect((await runyard([...period, "--from", "2100-01-01"])).out).toBe("");
    expect((await runyard([...period, "--to", "2100-01-01T00:00:00Z"])).out).not.toBe("");
    await runyard(["watch", labelled]);
    const large = join(folder, "large.bin");
    writeFileSync(large, Buffer.alloc(300_000));
    const words = "run: cat prompt.txt; wc -c large.bin";
    const from = await runyard(["run", "--from", labelled, "--attach", large, words]);
    expect(from).toMatchObject({
      code: 0,
      out: expect.stringMatching(/from a file\s*300000 large/),
    });
    expect((await runyard(["archive", labelled])).out).toBe(`${labelled}  archived\n`);
    expect((await runyard(period)).out).toBe("");
    expect((await runyard([...period, "--archived"])).out).toBe(`{"id":"${labelled}"}\n`);
    expect((await runyard(["unarchive", labelled])).out).toBe(`${labelled}  listed\n`);
    expect((await runyard(["list", "--limit", "1"])).out).toMatch(/^ID +STATUS.*\nrun_\w+ .*\n$/);
  },
  LONG_MS,
);

test(
  "a schema makes the answer JSON, and settings that do not fit are named as the server has them",
  async () => {
    const schema = join(folder, "schema.json");
    writeFileSync(schema, '{"type":"object","properties":{"ok":{"type":"boolean"}}}');
    const made = await runyard(["run", "echo", "--schema", schema]);
    expect([made.code, JSON.parse(made.out)]).toEqual([0, expect.any(Object)]);
    const refused = await runyard(["run", "echo", "--max-turns", "0", "--timeout", "1s"]);
    expect(refused).toMatchObject({ code: 3, out: "" });
    expect(refused.said).toMatch(/maxTurns/);
    expect(refused.said).toMatch(/timeoutSeconds/);
  },
  LONG_MS,
);

test(
  "a task is only looked at: what it would come to is said, or why it would be refused, and no run is made",
  async () => {
    const ids = async () => (await runyard(["list", "--json=id"])).out;
    const before = await ids();
    const tried = await runyard(["run", "--dry-run", "--budget", "2", "echo"]);
    expect(tried).toMatchObject({ code: 0, said: "" });
    expect(tried.out).toMatch(/^It would be accepted\.\n {2}Cost +at most \$2\.0000\n {2}Queue +/);
    const json = await runyard(["run", "--dry-run", "--json=valid,maxCostUsd", "echo"]);
    expect(json).toMatchObject({ code: 0, out: '{"valid":true,"maxCostUsd":5}\n' });
    const refused = await runyard(["run", "--dry-run", "--max-turns", "0", "echo"]);
    expect(refused).toMatchObject({ code: 3, out: "" });
    expect(refused.said).toMatch(/maxTurns/);
    expect(await ids()).toBe(before);
  },
  LONG_MS,
);

test(
  "an agent is made, changed, run in a version, and archived",
  async () => {
    const id = (await runyard(["agents", "create", "reviewer", "--max-turns", "7"])).out.trim();
    const edited = await runyard(["agents", "edit", id, "--max-turns", "8", "--name", "other"]);
    expect(edited).toMatchObject({ code: 0, out: `${id}  version 2\n` });
    expect((await runyard(["agents", "versions", id])).out).toMatch(
      /^v2 .* other\nv1 .* reviewer\n$/,
    );
    const [shown] = documents((await runyard(["agents", "show", id, "--json=settings"])).out);
    expect(shown).toEqual({ settings: { maxTurns: 8 } });
    const [run] = documents(
      (await runyard(["run", "echo", "--agent", "other@1", "--detach", "--json"])).out,
    );
    expect(run.agent).toEqual({ id, version: 1 });
    expect((await runyard(["agents", "list"])).out).toContain(id);
    expect(await runyard(["agents", "archive", id])).toMatchObject({ code: 0 });
    expect((await runyard(["agents", "list", "--json=id"])).out).toBe("");
    expect((await runyard(["agents", "unarchive", id])).out).toBe(`${id}  listed\n`);
  },
  LONG_MS,
);

test(
  "who logs in is known from then on, and a wrong key or address says where it came from",
  async () => {
    const config = mkdtempSync(join(folder, "config-"));
    const url = world.local.address.apiUrl;
    const env = { XDG_CONFIG_HOME: config, RUNYARD_URL: "", RUNYARD_KEY: "" };
    const at = { env };
    expect(await runyard(["list"], at)).toMatchObject({
      code: 3,
      said: expect.stringMatching(/No server runs on .*\nOr log in to one elsewhere/),
    });
    const key = { ...at, input: `${world.local.key}\n` };
    const login = await runyard(["login", url.replace("/v1", ""), "--profile", "here"], key);
    expect(login).toMatchObject({ code: 0, out: "" });
    expect(login.said).not.toContain(world.local.key);
    expect((await runyard(["list"], at)).code).toBe(0);
    const profiles = await runyard(["profile", "list"], at);
    expect(profiles.out).toBe(`*  here  ${url}\n`);
    const wrong = await runyard(["list"], { env: { ...env, RUNYARD_KEY: "ry_wrong" } });
    expect(wrong.code).toBe(3);
    expect(wrong.said).toMatch(
      /The key is from RUNYARD_KEY, the address .* from the profile here in/,
    );
    const nobody = await runyard(["list", "--url", "http://127.0.0.1:2"], {
      env: { ...env, RUNYARD_KEY: "ry_wrong" },
    });
    expect(nobody.code).toBe(3);
    expect(nobody.said).toMatch(
      /The server at http:\/\/127\.0\.0\.1:2\/v1 \(from --url\) does not/,
    );
    const failed = await runyard(["login", url], { ...at, input: "ry_wrong\n" });
    expect(failed.code).toBe(3);
    expect((await runyard(["profile", "remove", "here"], at)).code).toBe(0);
    expect((await runyard(["list"], at)).code).toBe(3);
  },
  LONG_MS,
);
