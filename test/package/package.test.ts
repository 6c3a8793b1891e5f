import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, killAll } from "../support/processes.ts";
import { startWorld, type World } from "../support/world.ts";
import { type Packed, packAndInstall, perform, ROOT, sizeOf } from "./packed.ts";

const LONG_MS = 300_000;
const PAGE = "http://127.0.0.1:8000";

// Packed and installed once, beside one server: each test has its own folders and runs.
let packed: Packed;
let world: World;
beforeAll(async () => {
  [packed, world] = await Promise.all([
    packAndInstall(),
    startWorld({ settings: { RUNYARD_CORS_ORIGINS: PAGE } }),
  ]);
}, LONG_MS);
afterAll(async () => {
  packed[Symbol.dispose]();
  await world[Symbol.asyncDispose]();
});

const server = () => ({ RUNYARD_URL: world.local.address.apiUrl, RUNYARD_KEY: world.local.key });
const folder = () => mkdtempSync(join(packed.scratch, "folder-"));
const installed = (path: string) => join(packed.project, "node_modules/runyard", path);

/** The installed command, in a folder of nobody's unless one is named. */
function runyard(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  begun?: (pid: number) => void,
) {
  const command = [process.execPath, installed("cli/runyard.js"), ...words];
  return perform(command, { cwd: folder(), env: { ...packed.env, ...env } }, begun);
}

test("packing leaves the checkout as it was; the package has JavaScript and types alone", () => {
  expect(packed.changed).toBe("");
  expect(basename(packed.tarball)).toBe("runyard-0.1.0.tgz");
  const files = readdirSync(installed("."), { recursive: true }) as string[];
  expect(files.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
});

test("what is installed takes less than 10 MB", () => {
  const { held, taken } = sizeOf(join(packed.project, "node_modules"));
  expect(held).toBeLessThan(10e6);
  expect(taken).toBeLessThan(10e6);
});

test("npx with the package's file follows a run to its end, from an empty folder elsewhere", async () => {
  const cwd = folder();
  copyFileSync(packed.tarball, join(cwd, basename(packed.tarball)));
  const words = ["npx", "--yes", `./${basename(packed.tarball)}`, "run", "Create hello.txt"];
  const { code, out, said } = await perform(words, { cwd, env: { ...packed.env, ...server() } });
  expect([code, out]).toEqual([0, expect.stringMatching(/^\[offline\] I wrote hello\.txt/)]);
  expect(said).toMatch(/^run_\w+\n/m);
  expect(said).toMatch(/succeeded {2}Done\.$/m);
  expect(said).toMatch(/ {2}Next {6}npx \.\/runyard-0\.1\.0\.tgz diff run_\w+$/m);
  expect(readdirSync(packed.scratch)).not.toContain("cache");
});

test("its types are found by tsc, and are none that would take anything", async () => {
  const code = `import { type Client, createClient, ProblemError, type Run } from "runyard";
    const client: Client = createClient({ url: "", key: "" });
    const run: Run = await client.runs.get("");
    export const status: "succeeded" | string = run.status;
    export const files: readonly { path: string }[] = run.output?.changedFiles ?? [];
    export const code: string = new ProblemError({ code: "unknown", status: 1, detail: "" }).code;
    for await (const { event } of client.follow("")) if (event.type === "text") event.text.at(0);
    // @ts-expect-error: it has no such property
    run.state;
    // @ts-expect-error: a status is a word
    export const wrong: number = run.status;
    // @ts-expect-error: what is asked for has a prompt
    await client.runs.create({ prompt: 1 });
  `;
  writeFileSync(join(packed.project, "types.ts"), code);
  const tsc = [process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit"];
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false"];
  const as = ["--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2024"];
  const words = [...tsc, ...strict, ...as, "--lib", "es2024,dom,dom.asynciterable", "types.ts"];
  const { code: status, out } = await perform(words, { cwd: packed.project, env: packed.env });
  expect([status, out]).toEqual([0, ""]);
});

test("the example of a typed client works with the installed package, in Node", async () => {
  copyFileSync(join(ROOT, "examples/typed-client/main.ts"), join(packed.project, "main.ts"));
  const env = { ...packed.env, ...server() };
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", "main.ts"];
  const { code, out, said } = await perform(words, { cwd: packed.project, env });
  expect([code, said]).toEqual([0, ""]);
  expect(out).toMatch(/^succeeded: Done\.\n {2}added hello\.txt\n$/m);
});

/**
 * What a page has of a browser, as far as the example asks for it; `submit` is a press on its
 * button.
 */
function page(values: Record<string, string>) {
  const shown: string[] = [];
  let submit: (event: { preventDefault(): void }) => Promise<void>;
  const form = {
    addEventListener: (_name: string, listener: typeof submit) => {
      submit = listener;
    },
  };
  const output = { append: (line: string) => void shown.push(line) };
  const { AbortController, AbortSignal, Headers, Response, TextEncoder, URL, URLSearchParams } =
    globalThis;
  const ofBrowser = {
    ...{ AbortController, AbortSignal, Headers, Response, TextEncoder, URL, URLSearchParams },
    ...{ clearTimeout, crypto, setTimeout, TextDecoderStream, TransformStream },
    document: { querySelector: (name: string) => (name === "form" ? form : output) },
    FormData: class {
      *[Symbol.iterator]() {
        yield* Object.entries(values);
      }
    },
    fetch: (address: string, options: RequestInit = {}) => {
      const headers = new Headers(options.headers);
      headers.set("origin", PAGE);
      return fetch(address, { ...options, headers });
    },
  };
  return { ofBrowser, shown, submit: () => submit({ preventDefault: () => {} }) };
}

test("the example of a page is bundled without anything of Node, and follows a run", async () => {
  for (const file of ["page.js", "index.html"]) {
    copyFileSync(join(ROOT, "examples/browser", file), join(packed.project, file));
  }
  const { outputFiles, warnings } = await build({
    entryPoints: ["page.js"],
    absWorkingDir: packed.project,
    platform: "browser",
    bundle: true,
    write: false,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  const code = outputFiles[0]?.text ?? "";
  expect(code).not.toMatch(/node:|\bprocess\.|\bBuffer\b|require\(/);
  const { RUNYARD_URL: url, RUNYARD_KEY: key } = server();
  const { ofBrowser, shown, submit } = page({ url, key, prompt: "Create hello.txt" });
  runInNewContext(code, ofBrowser);
  await submit();
  expect(shown.at(0)).toMatch(/^run run_\w+\n$/);
  expect(shown.at(-1)).toBe("succeeded: Done.\n");
  const refused = page({ url, key: "none", prompt: "x" });
  runInNewContext(code, refused.ofBrowser);
  await refused.submit();
  expect(refused.shown.join("")).toMatch(/key/);
});

test("a Node that is too old is told so in one sentence", async () => {
  const pretend = join(folder(), "pretend.cjs");
  const versions = '{ ...process.versions, node: "20.20.2" }';
  writeFileSync(pretend, `Object.defineProperty(process, "versions", { value: ${versions} });`);
  const ended = await runyard(["list"], { NODE_OPTIONS: `--require=${pretend}` });
  const said = /^Runyard needs Node 24\.12 or newer; this is 20\.20\.2: install it from \S+ .*\n$/;
  expect(ended).toEqual({ code: 1, out: "", said: expect.stringMatching(said) });
});

test("one floor of Node is said everywhere", () => {
  const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
  const [, major, minor] = /OLDEST = \[(\d+), (\d+)\]/.exec(read("infra/launch.js")) ?? [];
  const floor = `${major}.${minor}`;
  expect(JSON.parse(read("package.json")).engines.node).toBe(`>=${floor}`);
  for (const path of ["README.md", "docs/cli.md", "docs/decisions/0002-node-24-from-npm.md"]) {
    expect(read(path)).toContain(`Node ${floor}`);
  }
});

test("all help is there before anything else is installed", async () => {
  const cache = join(folder(), "cache");
  for (const words of [["start", "--help"], ["keys", "--help"], ["--help"]]) {
    const { code, out } = await runyard(words, { XDG_CACHE_HOME: cache });
    expect([code, out]).toEqual([0, expect.stringContaining("Usage: runyard")]);
  }
  expect(existsSync(cache)).toBe(false);
});

/** An npm that performs a line of the shell in place of an installation. */
function npmThat(line: string): string {
  const bin = folder();
  writeFileSync(join(bin, "npm"), `#!/bin/sh\n${line}\n`);
  chmodSync(join(bin, "npm"), 0o755);
  return `${bin}:/usr/bin:/bin`;
}

const links = `ln -s ${join(ROOT, "node_modules")} node_modules`;
/** A first call that serves nothing and ends; it says that there is no state. */
const CALL = ["state", "info"];
const NO_STATE = /there is no state in \S+\.runyard\. Name its directory with --state DIR\.\n$/;

test("two first calls at once, after one that was killed, come to one whole installation", async () => {
  const cache = folder();
  const drafts = () => readdirSync(join(cache, "runyard"));
  const killed = { XDG_CACHE_HOME: cache, PATH: npmThat("sleep 60") };
  await runyard(CALL, killed, (pid) => {
    void eventually(() => expect(drafts()).toHaveLength(1)).then(() =>
      killAll([pid, ...descendantsOf(pid)]),
    );
  });
  expect(drafts()).toEqual([expect.stringMatching(/draft$/)]);
  const place = { XDG_CACHE_HOME: cache, PATH: npmThat(`sleep 2; ${links}`) };
  const calls = await Promise.all([runyard(CALL, place), runyard(CALL, place)]);
  const announced = /^What serves is not in this package: npm installs it now, .*\n\(\d+ MB: /;
  for (const { code, said } of calls) {
    expect(said).toMatch(announced);
    expect([code, said]).toEqual([1, expect.stringMatching(NO_STATE)]);
  }
  expect(drafts()).toEqual([expect.stringMatching(/^0\.1\.0-[0-9a-f]{8}-\w+-\w+$/)]);
  const { said } = await runyard(CALL, { XDG_CACHE_HOME: cache, PATH: npmThat("exit 1") });
  expect(said).toMatch(/^there is no state/);
});

test("Ctrl-C during the first call leaves nothing", async () => {
  const cache = folder();
  const drafts = () => readdirSync(join(cache, "runyard"));
  const place = { XDG_CACHE_HOME: cache, PATH: npmThat("touch begun; exec sleep 60") };
  const { code, said } = await runyard(CALL, place, (pid) => {
    const hasBegun = () => expect(existsSync(join(cache, "runyard", `${drafts()[0]}`, "begun")));
    void eventually(() => hasBegun().toBe(true)).then(() => process.kill(pid, "SIGINT"));
  });
  expect([code, said]).toEqual([
    130,
    expect.stringMatching(/\nStopped: nothing was installed\.\n$/),
  ]);
  expect(drafts()).toEqual([]);
});

test.each([
  ["echo npm error code ENOTFOUND >&2; exit 1", /npm reaches no registry\. Is there a network\?/],
  [
    "echo npm error code ENOSPC >&2; exit 1",
    /it needs \d+ MB in \S+, and there is less\. Make room/,
  ],
  ["echo npm error code E418 >&2; exit 1", /npm says\nnpm error code E418\n$/],
])("an npm that fails is told in words: %s", async (line, words) => {
  const cache = folder();
  const { code, said } = await runyard(CALL, { XDG_CACHE_HOME: cache, PATH: npmThat(line) });
  expect([code, said]).toEqual([1, expect.stringMatching(words)]);
  expect(said).toContain("\nWhat serves could not be installed: ");
  expect(readdirSync(join(cache, "runyard"))).toEqual([]);
});

test("no npm, and a place that cannot be written, are told in words", async () => {
  const cache = folder();
  const noNpm = await runyard(CALL, { XDG_CACHE_HOME: cache, PATH: folder() });
  expect([noNpm.code, noNpm.said]).toEqual([
    1,
    expect.stringMatching(/: npm is not there\. It comes/),
  ]);
  const file = join(cache, "file");
  writeFileSync(file, "");
  const { code, said } = await runyard(CALL, { XDG_CACHE_HOME: file });
  expect([code, said]).toEqual([1, expect.stringMatching(/ENOTDIR.*name another place with XDG_/)]);
});

test(
  "the first start installs all that serves, as large as it says, and serves from there",
  async () => {
    const cache = folder();
    const { code, said } = await runyard(["start", "--once", "--state", join(cache, "state")], {
      XDG_CACHE_HOME: cache,
    });
    expect([code, said]).toEqual([0, expect.stringMatching(/\nInstalled in \d+:\d\d\.\n/)]);
    expect(said).toMatch(/succeeded {2}Done\.$/m);
    const [, megabytes = ""] = /\n\((\d+) MB: /.exec(said) ?? [];
    const { taken } = sizeOf(join(cache, "runyard"));
    expect(taken / 1e6 / Number(megabytes)).toBeCloseTo(1, 1);
  },
  LONG_MS,
);
