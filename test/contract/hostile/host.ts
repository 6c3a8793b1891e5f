import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { connect as connectBuilds } from "../cloud-build/world.ts";
import type { Measure } from "../host.ts";
import { randomName } from "../target.ts";

/** The stand-in's services in a process of their own, with well-behaved clients of each. */
export interface Host extends AsyncDisposable {
  ports: Record<"firestore" | "pubsub" | "storage" | "cloud-build", number>;
  /** A subscription that is there; messages come as Pub/Sub is probed. */
  subscription: string;
  /** Uses the service as its official client does; resolves if that is well. */
  probe(service: keyof Host["ports"]): Promise<void>;
  /** What the process holds now. */
  measure(): Promise<Measure>;
  /** Fails if the process has ended. */
  expectAlive(): void;
  /** What it wrote on standard error. */
  complaints(): string;
}

const SCRIPT = fileURLToPath(new URL("../host.ts", import.meta.url));

/** Starts a host; its garbage can be collected when asked for. */
export async function startHost(): Promise<Host> {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--expose-gc", SCRIPT],
    { stdio: ["ignore", "pipe", "pipe", "ipc"] },
  );
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk;
  });
  const [text] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const addressOf = (name: string) => new RegExp(`${name}=(\\S+)`).exec(text.toString())?.[1] ?? "";
  const hosts = {
    firestore: addressOf("FIRESTORE_EMULATOR_HOST"),
    pubsub: addressOf("PUBSUB_EMULATOR_HOST"),
    storage: addressOf("STORAGE_EMULATOR_HOST"),
    "cloud-build": addressOf("CLOUD_BUILD_EMULATOR_HOST"),
  };
  const portOf = (address: string) => Number(address.split(":").at(-1));
  const clients = await openClients(hosts);
  return {
    ports: {
      firestore: portOf(hosts.firestore),
      pubsub: portOf(hosts.pubsub),
      storage: portOf(hosts.storage),
      "cloud-build": portOf(hosts["cloud-build"]),
    },
    subscription: clients.subscription,
    probe: (service) => clients.probes[service](),
    async measure() {
      const answered = once(child, "message");
      child.send("measure");
      const [measured] = (await answered) as [Measure];
      return measured;
    },
    expectAlive: () => expect([child.exitCode, child.signalCode]).toEqual([null, null]),
    complaints: () => complaints,
    async [Symbol.asyncDispose]() {
      await clients.close();
      await end(child);
    },
  };
}

async function openClients(hosts: Record<keyof Host["ports"], string>) {
  const projectId = randomName("hostile");
  const firestore = new Firestore({ projectId, host: hosts.firestore, ssl: false });
  const pubsub = new PubSub({ projectId, apiEndpoint: hosts.pubsub, emulatorMode: true });
  const storage = new Storage({ projectId, apiEndpoint: hosts.storage });
  const builds = connectBuilds({ port: Number(hosts["cloud-build"].split(":")[1]) });
  const [topic] = await pubsub.createTopic("probes");
  const [{ name: subscription }] = await topic.createSubscription("probes");
  const [bucket] = await storage.createBucket("hostile-probes");
  let count = 0;
  return {
    subscription,
    probes: {
      async firestore() {
        count += 1;
        await firestore.doc("probes/one").set({ count });
        expect((await firestore.doc("probes/one").get()).get("count")).toBe(count);
      },
      async pubsub() {
        await topic.publishMessage({ data: Buffer.from("probe") });
      },
      async storage() {
        await bucket.file("probe").save("well", { resumable: false });
        expect((await bucket.file("probe").download())[0].toString()).toBe("well");
      },
      async "cloud-build"() {
        const parent = `projects/${projectId}/locations/global`;
        expect((await builds.listBuilds({ parent, projectId }))[0]).toEqual([]);
      },
    },
    async close() {
      await Promise.all([firestore.terminate(), pubsub.close(), builds.close()]);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(timer);
}
