import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../..");

/** Prints the packages of all that `MODULES` load. */
const PROGRAM = `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
    if (name !== undefined) packages.add(name);
    return next(url, context);
  },
});
for (const module of JSON.parse(process.env.MODULES)) await import(module);
console.log(JSON.stringify([...packages]));
`;

async function packagesOf(...modules: string[]): Promise<string[]> {
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "-e", PROGRAM], {
    env: { MODULES: JSON.stringify(modules.map((module) => join(ROOT, module))) },
  });
  return JSON.parse(stdout) as string[];
}

test("the API loads no client that accepting a run does not need, and no TypeBox", async () => {
  const packages = await packagesOf("functions/api/app.ts", "functions/cloud/open-services.ts");
  expect(packages).toEqual(expect.arrayContaining(["ajv", "express", "@google-cloud/firestore"]));
  for (const name of ["typebox", "@google-cloud/storage", "@google-cloud/cloudbuild"]) {
    expect(packages).not.toContain(name);
  }
}, 180_000);

const TELEMETRY = "functions/cloud/telemetry/open-telemetry.ts";

test("no function loads what tells of spans and metrics unless that is configured", async () => {
  const sdk = (packages: string[]) =>
    packages.filter((name) => /^@opentelemetry\/(sdk|exporter|otlp)-/.test(name));
  const handlers = ["submit-build", "record-build-status", "sweep"];
  const paths = handlers.map((name) => `functions/attempts/${name}.ts`);
  const loaded = await packagesOf(
    "functions/api/app.ts",
    "functions/cloud/open-services.ts",
    ...paths,
  );
  expect(sdk(loaded)).toEqual([]);
  expect(sdk(await packagesOf(TELEMETRY))).toContain("@opentelemetry/sdk-trace-base");
}, 180_000);

test("what runs inside a build loads no client of Google's and no TypeBox", async () => {
  const packages = await packagesOf("infra/agent/runner.ts");
  expect(packages).toContain("ajv");
  const unwanted = /^@google-cloud\/|^@opentelemetry\/|^typebox$/;
  expect(packages.filter((name) => unwanted.test(name))).toEqual([]);
}, 180_000);
