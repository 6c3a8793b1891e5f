import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../cli/exit-codes.ts";
import { tell } from "../../cli/local/doctor.ts";
import type { Finding } from "../../infra/doctor/check.ts";
import { parsed } from "../support/parsed.ts";

const OK: Finding = { check: "git", state: "ok", found: "git version 2", remedy: null };
const WARNING: Finding = { ...OK, check: "server", state: "warning", remedy: "npx runyard start" };
const FAULT: Finding = { ...OK, check: "node", state: "fault", remedy: "npm install" };

/** What is written meanwhile. */
async function written<T>(work: () => Promise<T>): Promise<{ out: string; err: string; value: T }> {
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  let [out, err] = ["", ""];
  stdout.write = (text: unknown) => {
    out += String(text);
    return true;
  };
  stderr.write = (text: unknown) => {
    err += String(text);
    return true;
  };
  try {
    const value = await work();
    return { out, err, value };
  } finally {
    [stdout.write, stderr.write] = writes;
  }
}

async function* each(...findings: Finding[]): AsyncGenerator<Finding> {
  yield* findings;
}

test("a line for each finding, below it what mends it, and how many there are", async () => {
  const { out, err, value } = await written(() => tell(each(OK, WARNING, FAULT)));
  expect(out.split("\n")).toEqual([
    "ok      git              git version 2",
    "warning server           git version 2",
    "                         → npx runyard start",
    "fault   node             git version 2",
    "                         → npm install",
    "",
  ]);
  expect(err).toBe("1 fault, 1 warning.\n");
  expect(value).toBe(EXIT.failed);
});

test("a warning is no failure", async () => {
  const { value } = await written(() => tell(each(OK, WARNING)));
  expect(value).toBe(EXIT.done);
});

test("doctor looks at this machine, as JSON where it is asked for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    const words = ["doctor", "--state", join(folder, "state"), "--json=check,state"];
    const { out, value } = await written(() => parsed(words));
    const lines = out.trimEnd().split("\n");
    expect(JSON.parse(lines[0] ?? "")).toEqual({ check: "node", state: "ok" });
    expect(value).toBe(EXIT.done);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ["--json=nope", /there is no field nope; there are check, state, found, remedy/],
  ["--project p --state x", /--state is for a local server: leave it out/],
  ["--project UPPER", /setting project is not as it must be/],
  ["--settings /nowhere", /\/nowhere cannot be read/],
])("doctor %s is refused with what and which", async (text, message) => {
  await expect(parsed(["doctor", ...text.split(" ")])).rejects.toThrow(message);
});

test("settings about another project are not held against this one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    const file = join(folder, "settings.json");
    const image = `us-docker.pkg.dev/p/runyard/x@sha256:${"0".repeat(64)}`;
    writeFileSync(file, JSON.stringify({ project: "my-project", image, runnerImage: image }));
    await expect(
      parsed(["doctor", "--project", "other-project", "--settings", file]),
    ).rejects.toThrow("The settings are about the project my-project, not other-project");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
