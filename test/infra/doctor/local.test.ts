import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { examined, type Finding } from "../../../infra/doctor/check.ts";
import { LOCAL_CHECKS } from "../../../infra/doctor/local/checks.ts";
import { namespacesRemedy, nodeLook, platformLook } from "../../../infra/doctor/local/machine.ts";
import {
  type Local,
  lookAtKey,
  lookAtServer,
  modeLooks,
  portsLook,
  roomLook,
} from "../../../infra/doctor/local/place.ts";
import { USUAL_PORTS } from "../../../infra/local/ports.ts";
import { takeStateDirectory, writeKey } from "../../../infra/local/state/directory.ts";

let folder: string;
let directory: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
  directory = join(folder, "state");
});
afterEach(() => rmSync(folder, { recursive: true }));

const local = (more: Partial<Local> = {}): Local => ({
  state: directory,
  directory,
  secrets: join(directory, "secrets.json"),
  ports: async () => USUAL_PORTS,
  fetch: async () => new Response(),
  ...more,
});

/** What one of the checks finds. */
async function found(check: string, more: Partial<Local> = {}): Promise<Finding[]> {
  const rows = LOCAL_CHECKS.filter(({ name }) => name === check);
  expect(rows).toHaveLength(1);
  return Array.fromAsync(examined(rows, local(more)));
}

/** A state directory as a start leaves it. */
function makeState(): void {
  takeStateDirectory(directory).release();
}

test("a machine on which these tests run has no fault before the first start", async () => {
  const findings = await Array.fromAsync(examined(LOCAL_CHECKS, local()));
  expect(findings.filter(({ state }) => state === "fault")).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining(LOCAL_CHECKS.map(({ name }) => name)),
  );
  expect(findings.find(({ check }) => check === "server")).toEqual({
    check: "server",
    state: "warning",
    found: `no server runs on ${directory}`,
    remedy: `npx runyard start --state ${directory}`,
  });
});

test.each([
  ["24.12.0", "ok"],
  ["25.0.0", "ok"],
  ["24.11.9", "fault"],
  ["20.20.2", "fault"],
])("Node %s is %s where 24.12 is wanted", (version, state) => {
  expect(nodeLook(version, ">=24.12").state).toBe(state);
});

test.each([
  ["linux", "ok"],
  ["darwin", "warning"],
  ["win32", "fault"],
])("%s is %s", (platform, state) => {
  expect(platformLook(platform, "x64").state).toBe(state);
});

test.each([
  ["kernel.apparmor_restrict_unprivileged_userns", "1", /userns=0$/],
  ["kernel.unprivileged_userns_clone", "0", /userns_clone=1$/],
  ["user.max_user_namespaces", "0", /max_user_namespaces=10000$/],
  ["kernel.unprivileged_userns_clone", "1", /make user namespaces$/],
])("a kernel whose %s is %s has what lets bubblewrap start", (name, value, remedy) => {
  const read = (asked: string) => (asked === name ? value : undefined);
  expect(namespacesRemedy(read)).toMatch(remedy);
});

test.each([
  [100 * 1024 ** 3, "ok"],
  [100 * 1024 ** 2, "warning"],
  [1024, "fault"],
])("%d bytes free are %s", (freeBytes, state) => {
  expect(roomLook("/x", freeBytes).state).toBe(state);
});

test("ports that others have are named with those that a start takes instead", () => {
  expect(portsLook(USUAL_PORTS).state).toBe("ok");
  expect(portsLook({ ...USUAL_PORTS, api: 8083 })).toEqual({
    state: "warning",
    found: "other programs have 8080 (api; instead 8083)",
  });
});

test("who else's it is, and who else reads it", () => {
  expect(modeLooks("/x", { uid: 7, mode: 0o40700 }, 7)).toEqual([]);
  expect(modeLooks("/x", { uid: 7, mode: 0o40755 }, 8).map(({ remedy }) => remedy)).toEqual([
    'sudo chown -R "$(id -un)" /x',
    "chmod go= /x",
  ]);
});

test("a state directory is told with its format", async () => {
  makeState();
  expect(await found("state")).toEqual([
    { check: "state", state: "ok", found: `${directory}: format version 1`, remedy: null },
  ]);
});

test.each<[string, () => void, RegExp]>([
  ["a file", () => writeFileSync(directory, ""), /is a file, not a directory/],
  [
    "of somebody else",
    () => {
      mkdirSync(directory);
      writeFileSync(join(directory, "thesis.txt"), "");
    },
    /no state directory of Runyard/,
  ],
  [
    "of a later version",
    () => {
      makeState();
      const format = JSON.stringify({ format: "runyard-state", version: 99 });
      writeFileSync(join(directory, "format.json"), format);
    },
    /format version 99/,
  ],
])("a state directory that is %s is a fault", async (_what, make, line) => {
  make();
  expect(await found("state")).toEqual([
    expect.objectContaining({
      state: "fault",
      found: expect.stringMatching(line),
      remedy: "npx runyard start --state DIR",
    }),
  ]);
});

test("a file of secrets that others read is named with the command that hides it", async () => {
  makeState();
  const secrets = join(directory, "secrets.json");
  writeFileSync(secrets, '{"runyard-token": "hidden-value"}', { mode: 0o644 });
  const [open] = await found("secrets");
  expect(open).toMatchObject({ state: "fault", remedy: `chmod 600 ${secrets}` });
  chmodSync(secrets, 0o600);
  const [hidden] = await found("secrets");
  expect(hidden?.state).toBe("ok");
  expect(JSON.stringify([open, hidden])).not.toContain("hidden-value");
});

/** Has the directory as a server does. */
function published(): Disposable {
  const state = takeStateDirectory(directory);
  const apiUrl = "http://127.0.0.1:9/v1";
  const address = state.publish({ pid: 77, apiUrl, projectId: "p", clients: {} });
  return {
    [Symbol.dispose]() {
      address[Symbol.dispose]();
      state.release();
    },
  };
}

test("a server that answers, one that does not, and one that refuses", async () => {
  using _server = published();
  const answering = (status: number) =>
    lookAtServer(local({ fetch: async () => new Response(null, { status }) }));
  expect((await answering(200)).state).toBe("ok");
  const mend = `kill 77 && npx runyard start --state ${directory}`;
  expect(await answering(500)).toMatchObject({ state: "fault", remedy: mend });
  const fetch = async () => {
    throw new Error("ECONNREFUSED");
  };
  expect(await found("server", { fetch })).toEqual([
    {
      check: "server",
      state: "fault",
      found: "http://127.0.0.1:9/v1/health does not answer: ECONNREFUSED",
      remedy: mend,
    },
  ]);
});

test("the key is tried at the server, and shown nowhere", async () => {
  using _server = published();
  writeKey(directory, "ry_secret");
  const asked: [string, unknown][] = [];
  const answering = (status: number) =>
    lookAtKey(
      local({
        fetch: async (url, init) => {
          asked.push([String(url), init?.headers]);
          return new Response(null, { status });
        },
      }),
    );
  const looks = [...(await answering(200)), ...(await answering(401))];
  expect(looks.map(({ state }) => state)).toEqual(["ok", "fault"]);
  expect(asked[0]).toEqual([
    "http://127.0.0.1:9/v1/runs?pageSize=1",
    { authorization: "Bearer ry_secret" },
  ]);
  expect(JSON.stringify(looks)).not.toContain("ry_secret");
});
