import { spawn } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { startEgressProxy } from "../../infra/agent/sandbox/egress-proxy.ts";
import { launchSandboxed, socketsIn } from "../../infra/agent/sandbox/launch.ts";
import { outcomeOf, startSandboxWorld } from "../support/sandbox.ts";
import { type Benchmark, type Context, interleave, medianCell, ratioCell } from "./benchmark.ts";
import { startRegistry } from "./registry.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 5;
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HOST = "registry.test";
/** A public address, which the sandbox's way out may open; what is opened is the registry. */
const ADDRESS = "192.88.98.1";

/** Ours, as an agent would find it in a repository. */
const FOLDERS = ["shared", "functions"];
const TOOLS = ["typescript", "@types/node", "@types/express", "@types/cors"];
const CONFIGURATIONS = ["@tsconfig/node24", "@tsconfig/node-ts"];

const PATH = "/usr/local/bin:/usr/bin:/bin";

interface Sample {
  install: number;
  compile: number;
}

/** `npm install` and `tsc` of a project of a few hundred files, from a registry on loopback. */
export const build: Benchmark = {
  name: "build",
  summary: "npm install and tsc of a middling project, as they are and in the agent's sandbox",
  async run({ rounds = ROUNDS, ...context }: Context) {
    context.progress("packing what the registry has");
    const wanted = [...dependencies(), ...TOOLS, ...CONFIGURATIONS];
    const registry = await startRegistry(context.cleanup, wanted);
    const variants = [
      { name: "as it is", measure: () => measured(outside(registry.port), wanted) },
      { name: "in the sandbox", measure: () => measured(inside(registry.port), wanted) },
    ];
    const samples = await interleave(context, variants, rounds);
    const baseline = samples.get("as it is") ?? [];
    const install = ({ install }: Sample) => install;
    const compile = ({ compile }: Sample) => compile;
    return [
      {
        title: `build: ${registry.packages} packages, ${(registry.bytes / 1e6).toFixed(1)} MB; ${rounds} rounds`,
        columns: ["variant", "npm install ms", "to as it is", "tsc ms", "to as it is"],
        rows: [...samples].map(([name, values]) => [
          name,
          medianCell(values, install),
          ratioCell(values, baseline, install),
          medianCell(values, compile),
          ratioCell(values, baseline, compile),
        ]),
        notes: [
          "Each with an empty cache. In the sandbox the packages come through the way out (CONNECT).",
        ],
      },
    ];
  },
};

/** A place to build in, by the folder that a script starts in. */
interface Place {
  folder: string;
  /** Runs a script. @throws {Error} with what it said, if it fails */
  run(script: string): Promise<void>;
}

async function measured(
  open: (stack: AsyncDisposableStack) => Promise<Place>,
  wanted: readonly string[],
): Promise<Sample> {
  await using stack = new AsyncDisposableStack();
  const place = await open(stack);
  writeProject(place.folder, wanted);
  const timed = async (script: string): Promise<number> => {
    const startedAt = performance.now();
    await place.run(script);
    return performance.now() - startedAt;
  };
  return {
    install: await timed("npm install --ignore-scripts --no-audit --no-fund"),
    compile: await timed("node_modules/.bin/tsc"),
  };
}

const dependencies = (): string[] =>
  FOLDERS.flatMap((folder) => {
    const text = readFileSync(join(ROOT, folder, "package.json"), "utf8");
    return Object.keys(JSON.parse(text).dependencies);
  });

function writeProject(folder: string, wanted: readonly string[]): void {
  for (const name of FOLDERS) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  const configuration = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8"));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ ...configuration, include: FOLDERS, exclude: [] }),
  );
  const all = Object.fromEntries(wanted.map((name) => [name, "*"]));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: all }));
}

/** What npm is told, wherever it runs. */
const environmentOf = (registry: string, home: string) => ({
  PATH,
  HOME: home,
  npm_config_registry: registry,
  npm_config_strict_ssl: "false",
  npm_config_update_notifier: "false",
});

const outside =
  (port: number) =>
  async (stack: AsyncDisposableStack): Promise<Place> => {
    const [folder, home] = ["project", "home"].map((name) => temporaryFolder(stack, name));
    if (folder === undefined || home === undefined) throw new Error("no folders");
    const env = environmentOf(`https://127.0.0.1:${port}`, home);
    return {
      folder,
      async run(script) {
        const child = spawn("/bin/bash", ["-c", script], { cwd: folder, env });
        child.stdin.end();
        const [stdout, stderr, code] = await Promise.all([
          text(child.stdout),
          text(child.stderr),
          new Promise((resolve) => child.once("close", resolve)),
        ]);
        if (code !== 0) throw new Error(`${script}: ${stdout}${stderr}`);
      },
    };
  };

const inside =
  (port: number) =>
  async (stack: AsyncDisposableStack): Promise<Place> => {
    const world = stack.use(await startSandboxWorld());
    const proxy = await startEgressProxy({
      socketPath: join(world.sockets, "egress.sock"),
      allowedHosts: [HOST],
      resolve: async () => [{ address: ADDRESS, family: 4 }],
      open: () => connect(port, "127.0.0.1"),
    });
    stack.defer(() => proxy.close());
    const environment = {
      ...environmentOf(`https://${HOST}`, "/home/agent"),
      HTTPS_PROXY: "{egress}",
    };
    return {
      folder: world.plan.workspace,
      async run(script) {
        const command = ["/bin/bash", "-c", script];
        const agent = world.keep(
          launchSandboxed(
            { command, directory: "/workspace", environment, ...socketsIn("/run/runyard") },
            world.plan,
            PATH,
          ),
        );
        const { stdout, stderr, end } = await outcomeOf(agent);
        if (!("exitCode" in end) || end.exitCode !== 0) {
          throw new Error(`${script}: ${JSON.stringify(end)} ${stdout}${stderr}`);
        }
      },
    };
  };
