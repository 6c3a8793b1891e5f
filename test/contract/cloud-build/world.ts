import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { CloudBuildClient, type protos } from "@google-cloud/cloudbuild";
import { grpc } from "google-gax";
import { packTar, type TarSource } from "modern-tar/fs";
import {
  type CloudBuildOptions,
  type RunningCloudBuild,
  startCloudBuild,
} from "../../../infra/emulators/cloud-build/start.ts";
import { emulatorHost, PATIENCE, sleep, TARGET } from "../target.ts";
import {
  type Message,
  memoryStorage,
  type Objects,
  openMessages,
  openObjects,
  PROJECT,
} from "./surroundings.ts";

export type Build = protos.google.devtools.cloudbuild.v1.IBuild;

type CreatedBuild = Build & { id: string; name: string };

/** The project's number on the stand-in, which is told it. */
export const PROJECT_NUMBER = "123456789012";
export const PARENT = `projects/${PROJECT}/locations/us-central1`;

const TERMINAL = ["SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"];

/** A Cloud Build with its client. */
export interface World extends AsyncDisposable {
  client: CloudBuildClient;
  /** Creates a build and returns it as the operation's metadata has it. */
  create(build: Build, parent?: string): Promise<CreatedBuild>;
  get(name: string): Promise<Build>;
  /** The build when it is over; on the stand-in, when its topic has said so. */
  finished(build: { id: string; name: string }): Promise<Build>;
  run(build: Build): Promise<Build>;
  /** A bucket that builds can read and write. */
  objects: Objects;
  /** What was published so far; in order of publication on the stand-in alone. */
  messages: readonly Message[];
  /** The statuses that were published of a build. */
  statuses(id: string): (string | undefined)[];
  /** On the stand-in alone, like all that follows: a folder of its own. */
  folder: string;
  service: RunningCloudBuild;
  restart(changes?: Partial<CloudBuildOptions>): Promise<void>;
}

/** The stand-in in a folder of its own, or the target. */
export function startWorld(overrides: Partial<CloudBuildOptions> = {}): Promise<World> {
  return TARGET === "standIn" ? startStandIn(overrides) : openTarget();
}

async function startStandIn(overrides: Partial<CloudBuildOptions>): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "cloud-build-test-"));
  const messages: Message[] = [];
  const { objects, read, write } = memoryStorage(join(folder, "objects"));
  const options: CloudBuildOptions = {
    directory: join(folder, "state"),
    projectNumber: PROJECT_NUMBER,
    images: { bash: { command: ["bash"], env: { FROM_IMAGE: "yes" } } },
    readObject: read,
    writeObject: write,
    publish(projectId, { data, attributes }) {
      messages.push({ projectId, attributes, build: JSON.parse(data.toString()) });
    },
    ...overrides,
  };
  const service = await startCloudBuild(options);
  const hasEnded = ({ id }: { id: string }) =>
    messages.some((m) => m.attributes["buildId"] === id && isOver(m.attributes["status"]));
  const world: World = {
    ...requests(() => world.client, hasEnded),
    client: connect(service),
    folder,
    messages,
    objects,
    service,
    statuses: statusesIn(messages),
    async restart(changes = {}) {
      await world.client.close();
      await world.service.close();
      world.service = await startCloudBuild({ ...options, ...changes });
      world.client = connect(world.service);
    },
    async [Symbol.asyncDispose]() {
      await world.client.close();
      await world.service.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

function statusesIn(messages: readonly Message[]) {
  return (id: string) =>
    messages.filter((m) => m.attributes["buildId"] === id).map((m) => m.attributes["status"]);
}

/** Builds cannot be removed; those that a test leaves working are cancelled at its end. */
async function openTarget(): Promise<World> {
  const [, port] = TARGET === "remote" ? [] : emulatorHost("cloud-build").split(":");
  const client = port === undefined ? new CloudBuildClient() : connect({ port: Number(port) });
  const objects = await openObjects();
  const topic = await openMessages();
  const onStandIn = () => {
    throw new Error("only the stand-in has this; declare the test as standInTest");
  };
  const created = new Set<string>();
  const hasEnded = async ({ name }: { name: string }) =>
    isOver(String((await client.getBuild({ name, projectId: PROJECT }))[0].status));
  const sent = requests(() => client, hasEnded);
  return {
    ...sent,
    client,
    objects,
    messages: topic.messages,
    statuses: statusesIn(topic.messages),
    async create(build, parent) {
      const made = await sent.create(build, parent);
      created.add(made.name);
      return made;
    },
    get folder() {
      return onStandIn();
    },
    get service() {
      return onStandIn();
    },
    restart: onStandIn,
    async [Symbol.asyncDispose]() {
      for (const name of created) {
        // One that is over is refused, and that is well.
        await client.cancelBuild({ name, projectId: PROJECT }).catch(() => {});
      }
      await client.close();
      await topic[Symbol.asyncDispose]();
      await objects[Symbol.asyncDispose]();
    },
  };
}

/** What tests ask of the service, whichever it is. */
function requests(
  client: () => CloudBuildClient,
  hasEnded: (build: { id: string; name: string }) => boolean | Promise<boolean>,
) {
  const sent = {
    async create(build: Build, parent = PARENT): Promise<CreatedBuild> {
      const [operation] = await client().createBuild({ parent, projectId: PROJECT, build });
      return buildOf(operation);
    },
    async get(name: string): Promise<Build> {
      const [build] = await client().getBuild({ name, projectId: PROJECT });
      return build;
    },
    async finished(build: { id: string; name: string }): Promise<Build> {
      await eventually(() => hasEnded(build));
      return sent.get(build.name);
    },
    run: async (build: Build): Promise<Build> => sent.finished(await sent.create(build)),
  };
  return sent;
}

/**
 * The project's number in a build's name: the stand-in's is known, any other service's is taken
 * from it.
 */
export function numberIn({ name }: Build): string {
  if (TARGET === "standIn") return PROJECT_NUMBER;
  return /^projects\/(\d+)\//.exec(name ?? "")?.[1] ?? "no number";
}

/** The build that an operation was started for, as its metadata has it. */
export function buildOf({ metadata }: { metadata: unknown }): CreatedBuild {
  return (metadata as { build: CreatedBuild }).build;
}

export function connect({ port }: Pick<RunningCloudBuild, "port">): CloudBuildClient {
  return new CloudBuildClient({
    apiEndpoint: "127.0.0.1",
    port,
    sslCreds: grpc.credentials.createInsecure(),
    projectId: PROJECT,
  });
}

function isOver(status: string | undefined): boolean {
  return TERMINAL.includes(status ?? "");
}

/** One bash step. */
export function bash(script: string): { name: string; args: string[] } {
  return { name: "bash", args: ["-c", script.replaceAll("$", "$$$$")] };
}

/** Waits, within a bound, until `condition` holds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000 * PATIENCE;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${condition}`);
    await sleep(15 * PATIENCE);
  }
}

/** A `.tar.gz` with these files in it. */
export function archive(sources: TarSource[]): Promise<Buffer> {
  return buffer(packTar(sources).pipe(createGzip()));
}

/** The text that step `index` wrote to its output file. */
export function output(
  build: { results?: { buildStepOutputs?: unknown[] | null } | null },
  index = 0,
): string {
  return Buffer.from((build.results?.buildStepOutputs?.[index] ?? "") as Uint8Array).toString();
}
