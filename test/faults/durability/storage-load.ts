import { createHash } from "node:crypto";
import { attempt, type Field, forEach, type Load, persistently, runLanes } from "./field.ts";

const SMALL_BYTES = 48 * 1024;
const LARGE_BYTES = 900 * 1024;

/**
 * What is known of an object: the digests that it may have now; `undefined` stands for no object.
 */
type Possible = Set<string | undefined>;

/**
 * Uploads, replacements and deletions: an object is wholly one of those versions that it may be.
 */
export function uploadLoad(field: Field): Load {
  const bucket = field.clients.storage.bucket("bucket");
  const objects = new Map<string, Possible>();
  let last = 0;

  async function upload(name: string): Promise<void> {
    const isResumable = field.random() < 0.4;
    const size = Math.floor(field.random() * (isResumable ? LARGE_BYTES : SMALL_BYTES));
    const content = bytesOf(size, field.random);
    const possible = objects.get(name) ?? new Set([undefined]);
    objects.set(name, possible.add(digestOf(content)));
    const work = () =>
      bucket.file(name).save(content, { resumable: isResumable, validation: "crc32c" });
    if (await attempt(field, "uploads", { work })) objects.set(name, new Set([digestOf(content)]));
  }

  async function remove(name: string): Promise<void> {
    objects.get(name)?.add(undefined);
    const work = () => bucket.file(name).delete({ ignoreNotFound: true });
    if (await attempt(field, "uploads", { work })) objects.set(name, new Set([undefined]));
  }

  async function checkOne(name: string): Promise<void> {
    const found = await persistently(() => download(name));
    const possible = objects.get(name) as Possible;
    if (possible.has(found)) {
      // Now it is known which of them it is.
      objects.set(name, new Set([found]));
      return;
    }
    const wanted = [...possible].map((digest) => digest?.slice(0, 8) ?? "none").join(" or ");
    field.violations.push(`uploads: ${name} is ${found?.slice(0, 8) ?? "none"}, not ${wanted}`);
  }

  /** The digest of what is there; what the client does not get whole is asked for again. */
  async function download(name: string): Promise<string | undefined> {
    const file = bucket.file(name);
    try {
      const [content] = await file.download({ validation: "crc32c" });
      return digestOf(content);
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) return undefined;
      throw error;
    }
  }

  return {
    run: () =>
      runLanes(field, 3, async (lane) => {
        // Each lane has its own names, so that nothing is replaced while it is looked at.
        const name = field.random() < 0.3 ? `lane-${lane}/replaced` : `lane-${lane}/${last++}`;
        await upload(name);
        await checkOne(name);
        if (!name.endsWith("replaced") && field.random() < 0.8) await remove(name);
      }),
    check: () => forEach(objects.keys(), checkOne),
  };
}

function bytesOf(size: number, random: () => number): Buffer {
  const content = Buffer.alloc(size, `${random()}`);
  for (let at = 0; at < size; at += 997) content[at] = Math.floor(random() * 256);
  return content;
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
