import type { ProcessRegistry } from "./process-registry.ts";
import type { State } from "./state.ts";

/** What a container image is here: a command of this machine. */
export interface LocalImage {
  /** The image's entrypoint, as the first words of an argument vector. */
  command: string[];
  /** The image's ENV. */
  env: Record<string, string>;
}

/** An object of Cloud Storage that can be read as a file. */
interface StoredObject {
  generation: string;
  path: string;
}

/** The world around the service, given by whoever starts it. */
export interface Surroundings {
  /** By the name that a step uses, with or without tag or digest. */
  images: Record<string, LocalImage>;
  /**
   * Values of secrets, by `projects/P/secrets/S/versions/V`, exactly as builds name them; or what
   * looks one up when a build starts, and throws if it may not be had.
   */
  secrets?: Record<string, string> | ((versionName: string) => string | undefined);
  /** The object, at `generation` or the latest; `undefined` if there is none. */
  readObject(
    bucket: string,
    name: string,
    generation?: string,
  ): StoredObject | undefined | Promise<StoredObject | undefined>;
  /** Creates or replaces an object. Rejects if that cannot be done. */
  writeObject(
    ...object: [bucket: string, name: string, content: Buffer, contentType: string]
  ): Promise<{ generation: string }>;
}

/** What running a build needs. */
export interface Engine {
  state: State;
  surroundings: Surroundings;
  processes: ProcessRegistry;
  /** Holds one private folder for each build that runs. */
  buildsDirectory: string;
}

/**
 * The image with this name; a tag or digest on either side is ignored unless both match exactly.
 */
export function findImage(
  images: Record<string, LocalImage>,
  name: string,
): LocalImage | undefined {
  if (Object.hasOwn(images, name)) return images[name];
  const repository = repositoryOf(name);
  return Object.entries(images).find(([key]) => repositoryOf(key) === repository)?.[1];
}

function repositoryOf(name: string): string {
  const [tagged = ""] = name.split("@");
  return tagged.replace(/:[^/:]*$/, "");
}
