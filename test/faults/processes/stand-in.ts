import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_SCRIPT, type Script } from "../../../infra/local/offline-model/script.ts";
import { type OfflineModel, startOfflineModel } from "../../../infra/local/offline-model/start.ts";
import { freePorts } from "../../support/free-ports.ts";
import type { Drawing } from "../drawing.ts";
import type { HostPorts } from "../durability/host.ts";
import { type Hosts, openHosts } from "../hosts.ts";
import { type Network, startNetwork } from "./network.ts";
import type { StandInOrder } from "./stand-in-host.ts";
import { isTask } from "./work.ts";

/** Which command line agents have: one made for this, or the real one with the offline model. */
export const ENGINES = ["fast", "claude"] as const;
export type Engine = (typeof ENGINES)[number];

/** Emulators and functions as processes of their own, with something in between. */
export interface StandIn extends AsyncDisposable {
  hosts: Hosts;
  /** Where the emulators are, with nothing in between. */
  ports: HostPorts;
  networks: Readonly<Record<string, Network>>;
  /** The API's address with its version, through its network. */
  url: string;
  key: string;
  /** How long the first start took: other machines are slower. */
  startSeconds: number;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Starts everything as `npm start` does, with agents that are not confined: so they can leave
 * traces outside.
 *
 * @param options.directory where all that is made lies
 */
export async function startStandIn(options: {
  directory: string;
  engine: Engine;
  slots: number;
  draw: Drawing;
}): Promise<StandIn> {
  const { directory, engine, slots } = options;
  await using started = new AsyncDisposableStack();
  const model = started.use(await startModel(options));
  const [firestore = 0, storage = 0, pubsub = 0, cloudBuild = 0, api = 0, ...others] =
    await freePorts(10);
  const ports = { firestore, storage, pubsub, cloudBuild };
  const networks: Record<string, Network> = {};
  for (const [at, [name, port]] of Object.entries({ ...ports, api }).entries()) {
    const network = await startNetwork(others[at] ?? 0, port);
    started.defer(() => network.close());
    networks[name] = network;
  }
  const at = (name: string) => `127.0.0.1:${networks[name]?.port}`;
  const order: StandInOrder = {
    directory: join(directory, "state"),
    ports: { ...ports, api },
    model: { url: model.url, key: "sk-ant-the-real-key" },
    sandbox: "none",
    concurrentBuilds: slots,
    variables: {
      functions: {
        FIRESTORE_EMULATOR_HOST: at("firestore"),
        PUBSUB_EMULATOR_HOST: at("pubsub"),
        STORAGE_EMULATOR_HOST: `http://${at("storage")}`,
        CLOUD_BUILD_EMULATOR_HOST: at("cloudBuild"),
      },
      builds: {
        STORAGE_EMULATOR_HOST: `http://${at("storage")}`,
        ...(engine === "fast" && fastEngine(directory)),
      },
    },
  };
  const from = performance.now();
  const { hosts, answer } = await openHosts(path("./stand-in-host.ts"), order);
  const startSeconds = (performance.now() - from) / 1000;
  started.defer(() => hosts.close());
  // What it has for as long as it lives goes with it.
  started.defer(() => hosts.terminate().catch(() => {}));
  const stack = started.move();
  return {
    hosts,
    ports,
    networks,
    url: `http://${at("api")}/v1`,
    key: String(answer),
    startSeconds,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const RUN = DEFAULT_SCRIPT.find(({ name }) => name === "run");

/** The offline model's own script, in which who is told to go on does what was asked before. */
const GOING_ON: Script = DEFAULT_SCRIPT.map((scenario) => ({
  ...scenario,
  turns: (match, situation) => {
    const before = situation.earlierPrompts.findLast(isTask);
    if (isTask(situation.prompt) || before === undefined) return scenario.turns(match, situation);
    const asked = RUN?.phrase && before.match(RUN.phrase);
    return RUN && asked ? RUN.turns(asked, situation) : [];
  },
}));

/** How often the model is overloaded when a fast agent asks it first. */
const OVERLOADED = 0.05;

/** A fast agent's model says what it is told; the real one has a command to run. */
function startModel({ engine, draw }: { engine: Engine; draw: Drawing }): Promise<OfflineModel> {
  if (engine === "claude") return startOfflineModel({ script: GOING_ON });
  const known = new Set<string>();
  const turnsOf = (prompt: string) => {
    const [, key = ""] = prompt.split(" ");
    const isFirst = !known.has(key);
    known.add(key);
    return isFirst && draw.isTrueWith(OVERLOADED) ? [{ errorStatus: 529 }] : [{ text: prompt }];
  };
  const say = { name: "say", phrase: /^/, example: "", does: "says what it is told" };
  return startOfflineModel({ script: [{ ...say, turns: (_, { prompt }) => turnsOf(prompt) }] });
}

/** Makes the package of the fast engine, and has runners find it. */
function fastEngine(directory: string): Record<string, string> {
  const folder = join(directory, "engine");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ version: "0.0.0" }));
  const program = join(folder, "claude");
  const node = `${process.execPath} --disable-warning=ExperimentalWarning`;
  writeFileSync(program, `#!/bin/sh\nexec ${node} ${path("./engine-process.ts")} "$@"\n`);
  chmodSync(program, 0o755);
  return { FAST_ENGINE: folder, NODE_OPTIONS: `--require=${path("./engine-in-its-place.cjs")}` };
}
