import { spawn, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { cpSync, globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bring, broughtHome } from "../../cli/brought-package.ts";
import { Failure } from "../../cli/failure.ts";
import type { Resource } from "./resource.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The package that talks to Pulumi. */
const SOURCE = fileURLToPath(new URL("./stack", import.meta.url));

/** What Pulumi shall do with a plan. */
export interface Order {
  action: "preview" | "up" | "destroy";
  /** `gs://BUCKET` of the state. */
  backend: string;
  project: string;
  resources: readonly Resource[];
}

/**
 * Has Pulumi's libraries installed, once for each version and user.
 *
 * @returns the folder of the package, `resources.ts` and `program.ts` in it
 */
export function broughtStack(env: Variables): Promise<string> {
  const files = globSync("*.{ts,js,json}", {
    cwd: SOURCE,
    exclude: (name) => name === "check.ts",
  }).sort();
  const content = files.map((name) => readFileSync(join(SOURCE, name)));
  const build = hash("sha256", Buffer.concat(content)).slice(0, 12);
  return bring(
    {
      place: join(broughtHome(env), `stack-${build}-${process.platform}-${process.arch}`),
      what: "What deploys",
      parts: "Pulumi's libraries for Google Cloud",
      sizeMb: 200,
      async layOut(draft) {
        mkdirSync(draft, { recursive: true });
        for (const name of files) cpSync(join(SOURCE, name), join(draft, name));
      },
    },
    env,
  );
}

/** @throws {Failure} if Pulumi's engine, which npm does not have, is not there */
export function assertEngine(env: Variables): void {
  const { error } = spawnSync("pulumi", ["version"], { env: env as NodeJS.ProcessEnv });
  if (error === undefined) return;
  throw new Failure(
    "Pulumi's engine is not in the PATH, and npm does not have it. Install it as https://www.pulumi.com/docs/install says; --dry-run shows the plan without it.",
  );
}

/** Has Pulumi do it, and shows what it says. @throws {Failure} if it does not succeed */
export async function perform(order: Order, env: Variables): Promise<void> {
  const place = await broughtStack(env);
  const [program = ""] = globSync("program.{ts,js}", { cwd: place });
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(place, program)],
    {
      env: env as NodeJS.ProcessEnv,
      stdio: ["pipe", "inherit", "inherit"],
    },
  );
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify(order));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Failure(`Pulumi could not ${order.action}; it says above why.`);
}
