import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createGzip } from "node:zlib";
import { CloudBuildClient, type protos } from "@google-cloud/cloudbuild";
import { grpc } from "google-gax";
import { packTar, type TarSource } from "modern-tar/fs";
import {
  type CloudBuildOptions,
  type RunningCloudBuild,
  startCloudBuild,
} from "../../../infra/local/cloud-build/start.ts";

export type Build = protos.google.devtools.cloudbuild.v1.IBuild;

type CreatedBuild = Build & { id: string; name: string };

export const PROJECT = "some-project";
export const PROJECT_NUMBER = "123456789012";
export const PARENT = `projects/${PROJECT}/locations/us-central1`;

/** A `cloud-builds` message as its subscriber sees it. */
interface Message {
  projectId: string;
  attributes: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary JSON
  build: any;
}

const TERMINAL = ["SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"];

/** A service with its client, its Cloud Storage and its topic, in a folder of its own. */
export async function startWorld(overrides: Partial<CloudBuildOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "cloud-build-test-"));
  const messages: Message[] = [];
  const objects = memoryStorage(join(folder, "objects"));
  const options: CloudBuildOptions = {
    directory: join(folder, "state"),
    projectNumber: PROJECT_NUMBER,
    images: { bash: { command: ["bash"], env: { FROM_IMAGE: "yes" } } },
    readObject: objects.read,
    writeObject: objects.write,
    publish(projectId, { data, attributes }) {
      messages.push({ projectId, attributes, build: JSON.parse(data.toString()) });
    },
    ...overrides,
  };
  let service = await startCloudBuild(options);
  let client = connect(service);
  const world = {
    folder,
    messages,
    objects,
    get service() {
      return service;
    },
    get client() {
      return client;
    },
    /** Creates a build and returns it as the operation's metadata has it. */
    async create(build: Build, parent = PARENT): Promise<CreatedBuild> {
      const [operation] = await client.createBuild({ parent, projectId: PROJECT, build });
      return buildOf(operation);
    },
    async get(name: string): Promise<Build> {
      const [build] = await client.getBuild({ name, projectId: PROJECT });
      return build;
    },
    /** The finished build, once the topic has said that it is over. */
    async finished({ id, name }: { id: string; name: string }): Promise<Build> {
      await eventually(() =>
        messages.some((m) => m.attributes["buildId"] === id && isOver(m.attributes["status"])),
      );
      return world.get(name);
    },
    async run(build: Build): Promise<Build> {
      return world.finished(await world.create(build));
    },
    statuses: (id: string) =>
      messages.filter((m) => m.attributes["buildId"] === id).map((m) => m.attributes["status"]),
    async restart(changes: Partial<CloudBuildOptions> = {}) {
      await client.close();
      await service.close();
      service = await startCloudBuild({ ...options, ...changes });
      client = connect(service);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
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
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${condition}`);
    await sleep(15);
  }
}

/** Objects in memory, by `bucket/name`, each with its file for readers. */
function memoryStorage(folder: string) {
  const contents = new Map<string, { content: Buffer; contentType: string; generation: string }>();
  let generation = 1000;
  mkdirSync(folder);
  const pathOf = (of: string) => join(folder, of);
  return {
    contents,
    text: (path: string) => contents.get(path)?.content.toString(),
    read: (bucket: string, name: string, wanted?: string) => {
      const object = contents.get(`${bucket}/${name}`);
      if (object === undefined || (wanted && wanted !== object.generation)) return undefined;
      return { generation: object.generation, path: pathOf(object.generation) };
    },
    write: async (...[bucket, name, content, contentType]: [string, string, Buffer, string]) => {
      generation += 1;
      const object = { content, contentType, generation: String(generation) };
      contents.set(`${bucket}/${name}`, object);
      writeFileSync(pathOf(object.generation), content);
      return { generation: object.generation };
    },
  };
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
