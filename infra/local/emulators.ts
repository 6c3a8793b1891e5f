import { join, resolve } from "node:path";
import { Failure, usageFault } from "../../cli/failure.ts";
import { complain, say } from "../../cli/terminal.ts";
import { startCloudBuild } from "../emulators/cloud-build/start.ts";
import { startFirestore } from "../emulators/firestore/start.ts";
import { startPubsub } from "../emulators/pubsub/start.ts";
import { startStorage } from "../emulators/storage/start.ts";
import { faultText } from "./fault.ts";
import { aborted, interruption, outliveReaders } from "./interruption.ts";
import { knownPorts } from "./ports.ts";
import { publishingTo } from "./publish-status.ts";
import { takeStateDirectory } from "./state/directory.ts";

/** The topic on which Cloud Build tells of its builds. */
const BUILDS_TOPIC = "cloud-builds";

/** The options of the command, as it was typed. */
export interface EmulatorFlags {
  state: string;
  bucket: string[];
  image: string[];
}

/**
 * Serves the four services alone, for any project, until Ctrl-C.
 *
 * @throws {Failure} with what is wrong and what to do
 */
export async function serveEmulators(flags: EmulatorFlags): Promise<void> {
  const images = imagesOf(flags.image);
  outliveReaders();
  try {
    await using started = new AsyncDisposableStack();
    const variables = await startAll(flags, images, started);
    const signal = interruption();
    for (const [name, value] of Object.entries(variables)) say(`export ${name}=${value}`);
    complain(`Serving; kept in ${resolve(flags.state)}. Stop with Ctrl-C.`);
    await aborted(signal);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(faultText(error), { cause: error });
  }
}

type Images = Parameters<typeof startCloudBuild>[0]["images"];

async function startAll(
  { state, bucket }: EmulatorFlags,
  images: Images,
  started: AsyncDisposableStack,
): Promise<Record<string, string>> {
  const directory = resolve(state);
  const taken = takeStateDirectory(directory);
  started.defer(() => taken.release());
  const { firestore: at, ...ports } = await knownPorts(0);
  const own = (folder: string, port: number) => ({ directory: join(directory, folder), port });
  const firestore = started.use(await startFirestore(own("firestore", at)));
  const buckets = { ...own("storage", ports.storage), buckets: bucket };
  const storage = started.use(await startStorage(buckets));
  const pubsub = started.use(await startPubsub(own("pubsub", ports.pubsub)));
  const cloudBuild = started.use(
    await startCloudBuild({
      ...own("cloud-build", ports.cloudBuild),
      images,
      publish: publishingTo(pubsub, BUILDS_TOPIC),
      readObject: storage.readObject,
      writeObject: storage.writeObject,
    }),
  );
  return {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    PUBSUB_EMULATOR_HOST: pubsub.address,
    STORAGE_EMULATOR_HOST: storage.url,
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
  };
}

/** `NAME=COMMAND`: what a build's image is on this machine, the command's words apart by spaces. */
function imagesOf(given: readonly string[]): Images {
  return Object.fromEntries(
    given.map((text) => {
      const [, name, command] = /^([^=\s]+)=(\S.*)$/.exec(text) ?? [];
      if (name !== undefined && command !== undefined) {
        return [name, { command: command.trim().split(/\s+/), env: {} }];
      }
      throw usageFault(`--image ${text} is no image; say it as builder=/bin/sh -c`);
    }),
  );
}
