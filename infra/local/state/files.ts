import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The files that make up a state and are worth taking elsewhere, by their paths in the directory.
 * Not among them: the lock, where the server is, and the folders of builds that were running when
 * it was killed (the next start ends those builds and deletes their folders anyway).
 */
const STATE_FILE =
  /^(?:format\.json|key|seal-keys|ports\.json|functions\.log|(?<service>firestore|pubsub|storage|cloud-build)\/\k<service>\.db(?:-wal)?|storage\/content\/[0-9a-f-]{36})$/;

/**
 * Whether a path in a state directory, with `/` between its parts, is that of a file of the state.
 */
export function isStateFile(name: string): boolean {
  return STATE_FILE.test(name);
}

/** A file below a directory. */
export interface FoundFile {
  /** Relative, with `/` between its parts. */
  name: string;
  sizeBytes: number;
}

/** Every file below a directory; links are not followed. */
export function* filesBelow(directory: string, prefix = ""): Generator<FoundFile> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path, `${name}/`);
    else {
      // A server at work may have deleted it meanwhile.
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat !== undefined) yield { name, sizeBytes: stat.size };
    }
  }
}
