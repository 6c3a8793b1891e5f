import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { broughtStack } from "../../../infra/deploy/engine.ts";
import type { Resource } from "../../../infra/deploy/resource.ts";
import { deployedPlan } from "../../support/deployment.ts";
import { eventually } from "../../support/eventually.ts";
import { faultsOf, type Made } from "../../support/graph-faults.ts";

/** Pulumi's libraries are installed as the command does it: that takes a while the first time. */
const INSTALL_TIMEOUT_MS = 300_000;
const TSC = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc");

interface Mocked {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** As much of Pulumi as mocks need. */
interface Pulumi {
  runtime: {
    setMocks(mocks: {
      newResource(given: Mocked): { id: string; state: object };
      call(given: { inputs: object }): object;
    }): Promise<void>;
  };
}

let place: string;
const plan = deployedPlan();

beforeAll(async () => {
  place = await broughtStack(process.env);
}, INSTALL_TIMEOUT_MS);

/** The resources that Pulumi was told of. */
async function registered(): Promise<Mocked[]> {
  const seen: Mocked[] = [];
  const pulumi = createRequire(join(place, "package.json"))("@pulumi/pulumi") as Pulumi;
  await pulumi.runtime.setMocks({
    newResource(given) {
      seen.push(given);
      return { id: `${given.name}-id`, state: { name: `${given.name}-name`, ...given.inputs } };
    },
    call: ({ inputs }) => inputs,
  });
  const { makeResources } = await import(pathToFileURL(join(place, "resources.ts")).href);
  await makeResources(plan);
  await eventually(() => expect(seen).toHaveLength(plan.length));
  return seen;
}

test("Pulumi is told of the whole plan, each argument of it, and nothing else", async () => {
  const seen = await registered();
  const byName = new Map(seen.map((resource) => [resource.name, resource]));
  for (const { name, args } of plan) {
    expect([name, Object.keys(byName.get(name)?.inputs ?? {}).sort()]).toEqual([
      name,
      Object.keys(args).sort(),
    ]);
  }
  expect(byName.get("rules-release")?.inputs["rulesetName"]).toBe("rules-name");
  const graph: Made[] = plan.map(({ name, type }) => ({
    name,
    type,
    args: byName.get(name)?.inputs ?? {},
  }));
  expect(faultsOf(graph)).toEqual([]);
});

/** The plan as a program that names each class, and so has its arguments checked to the last. */
function programOf(resources: readonly Resource[]): string {
  const modules = [...new Set(resources.map(({ type }) => type.split(".")[0]))];
  const imports = modules.map((name) => `import * as ${name} from "@pulumi/gcp/${name}/index.js";`);
  const values = resources.map(({ type, args }, at) => {
    const literal = JSON.stringify(args).replace(/\{"ref":"[^"]*","output":"[^"]*"\}/g, '""');
    return `export const a${at}: ConstructorParameters<typeof ${type}>[1] = ${literal};`;
  });
  return [...imports, ...values].join("\n");
}

function typeFaults(source: string): string {
  const file = join(place, "check.ts");
  writeFileSync(file, source);
  try {
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"];
    const types = ["--types", "node", "--typeRoots", join(TSC, "../../../@types")];
    const { stdout } = spawnSync(
      process.execPath,
      [TSC, "--ignoreConfig", ...options, ...types, "--target", "es2023", file],
      { cwd: place, encoding: "utf8" },
    );
    return stdout.trim();
  } finally {
    rmSync(file);
  }
}

test("each argument, however deep, is one that Google's provider knows", () => {
  expect(typeFaults(programOf(plan))).toBe("");
  const [first] = plan.filter(({ type }) => type === "pubsub.Subscription");
  const args = { ...first?.args, retryPolicy: { minimumBakoff: "1s" } };
  expect(typeFaults(programOf([{ ...(first as Resource), args }]))).toContain("minimumBakoff");
});
