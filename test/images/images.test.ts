import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { FOLDER, PACKAGES } from "../../infra/images/build.ts";
import type { Run } from "../../shared/documents/run.ts";
import { ATTEMPTS, NEEDS } from "../security/attempts.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";
import { openRoot, type Root } from "./roots.ts";

const TIMEOUT_MS = 180_000;

let functions: Root;
let runner: Root;
let world: World;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  functions = opened.use(openRoot("functions"));
  runner = opened.use(openRoot("runner"));
  world = opened.use(
    await startWorld({
      programs: {
        functions: { source: "", entrypoint: functions.entrypoint },
        runner: ["env", "RUNYARD_TEST_SECRET=secret-of-the-runner", ...runner.entrypoint],
        compiled: "/runyard/compiled",
      },
    }),
  );
}, TIMEOUT_MS);
afterAll(() => opened.disposeAsync());

/** Paths below a root for which `find` holds, without what is mounted there. */
const found = (root: Root, ...tests: string[]): string[] =>
  execFileSync("find", [root.folder, "-xdev", ...tests, "-printf", "/%P\n"], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .sort();

test("each holds what it uses and no second Node, and says of which commit it is", () => {
  const agent = "/runyard/node_modules/@anthropic-ai/claude-code-linux-x64";
  const modules = ["-path", "*/node_modules/*/*", "-type", "d"];
  expect([found(functions, ...modules), found(runner, ...modules)]).toEqual([[], [agent]]);
  for (const root of [functions, runner]) {
    expect(found(root, "-regex", ".*/\\(node\\|npm\\|npx\\|corepack\\)", "-type", "f")).toEqual([
      "/usr/local/bin/node",
    ]);
    expect(
      found(root, "-path", "*/runyard/*", "(", "-not", "-user", "0", "-o", "-perm", "/022", ")"),
    ).toEqual([]);
    expect(root.config.Labels).toMatchObject({
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.version": expect.stringMatching(/^\d+\.\d+\.\d+$/),
      "org.opencontainers.image.revision": expect.stringMatching(/^[0-9a-f]{40}(-changed)?$/),
      "org.opencontainers.image.created": expect.stringMatching(/^\d{4}-.*Z$/),
    });
  }
  expect([functions.config.User, runner.config.User]).toEqual(["65532:65532", undefined]);
});

test("what each is made of stands in it, and beside it", () => {
  const names = { functions, runner };
  for (const [name, { folder }] of Object.entries(names)) {
    const text = readFileSync(join(folder, PACKAGES), "utf8");
    expect(readFileSync(join(FOLDER, `${name}.cdx.json`), "utf8")).toBe(text);
    const { bomFormat, components } = JSON.parse(text) as Bill;
    const listed = new Set(components.map(({ purl = "" }) => purl.replace(/\?.*/, "")));
    expect(bomFormat).toBe("CycloneDX");
    expect(listed).toContain(`pkg:generic/node@${process.versions.node}`);
    const dpkg = [
      "--admindir",
      join(folder, "var/lib/dpkg"),
      "-W",
      "-f",
      "${Package}@${Version}\n",
    ];
    const installed = execFileSync("dpkg-query", dpkg, { encoding: "utf8" }).trim().split("\n");
    expect(installed.length).toBeGreaterThan(70);
    const missing = installed.filter((one) => {
      const [debian = "", version = ""] = one.split("@");
      return !listed.has(
        `pkg:deb/debian/${encodeURIComponent(debian)}@${encodeURIComponent(version)}`,
      );
    });
    expect([name, missing]).toEqual([name, []]);
  }
  const lists = Object.values(names).map(({ folder }) =>
    readFileSync(join(folder, PACKAGES), "utf8"),
  );
  const [ofFunctions = "", ofRunner = ""] = lists;
  for (const name of ["%40google-cloud/firestore@", "preact@"]) {
    expect([name, ofFunctions.includes(name), ofRunner.includes(name)]).toEqual([
      name,
      true,
      false,
    ]);
  }
  const claude = "pkg:npm/%40anthropic-ai/claude-code-linux-x64@";
  expect([ofFunctions.includes(claude), ofRunner.includes(claude)]).toEqual([false, true]);
});

/** What is read of a list of packages. @see https://cyclonedx.org/docs/1.6/json/ */
interface Bill {
  bomFormat: string;
  components: { purl?: string }[];
}

/** Runs a prompt to its end. */
async function ran(body: object): Promise<Run> {
  const response = await world.call("/runs", { json: body });
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as Run;
  return (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
}

test(
  "the images run an agent from the POST to its patch",
  async () => {
    const run = await ran({ prompt: "Create hello.txt and explain it" });
    expect(run).toMatchObject({ status: "succeeded", isolation: "bubblewrap" });
    const patch = await world.call(`/runs/${run.id}/artifacts/patch.diff`);
    expect(await patch.text()).toContain("+++ b/hello.txt");
  },
  TIMEOUT_MS,
);

/** Files of the agent's own that are open while it runs a command. */
const OF_THE_AGENT = /^\/tmp\/(claude-1000\/.*|all\.sh)\n/gm;

/** All of them as one command of an agent's, which leaves what each printed in `said.txt`. */
function commandOf(attempts: readonly { name: string; script: string }[]): string {
  const lines = attempts.map(({ name, script }) => {
    const quoted = `'${script.replaceAll("'", "'\\''")}'`;
    return `echo; echo '===== ${name}'; timeout 20 bash -c ${quoted} </dev/null 2>&1`;
  });
  const packed = gzipSync(lines.join("\n")).toString("base64");
  return `echo ${packed} | base64 -d | gunzip > /tmp/all.sh; bash /tmp/all.sh > said.txt 2>&1`;
}

test(
  "nothing that an agent tries leads out of the runner's image",
  async () => {
    const all = [...ATTEMPTS, ...NEEDS];
    const run = await ran({ prompt: `run: ${commandOf(all)}` });
    expect(run).toMatchObject({ status: "succeeded", isolation: "bubblewrap" });
    const patch = await (await world.call(`/runs/${run.id}/artifacts/patch.diff`)).text();
    const said = patch.replace(/^\+/gm, "").replace(OF_THE_AGENT, "").split("===== ").slice(1);
    const saidBy = new Map(
      said.map((part) => [
        part.slice(0, part.indexOf("\n")),
        part.slice(part.indexOf("\n")).trim(),
      ]),
    );
    const broken = all.filter(({ name, holds }) => !holds.test(saidBy.get(name) ?? ""));
    expect(broken.map(({ name }) => `${name}: ${saidBy.get(name)}`)).toEqual([]);
  },
  TIMEOUT_MS,
);
