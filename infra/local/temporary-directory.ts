import { chmodSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../shared/hash.ts";
import { removeTree } from "../emulators/cloud-build/remove-tree.ts";

/**
 * Where builds keep temporary files, as a container has its own `/tmp`: emptied at each start,
 * since a build that was killed leaves things behind. Outside the state directory, whose name may
 * be too long for the sockets in it.
 */
export async function temporaryDirectory(
  directory: string,
  started: AsyncDisposableStack,
): Promise<string> {
  const name = sha256(directory).slice(0, 16);
  const path = join(tmpdir(), `runyard-${name}`);
  await removeTree(path);
  // What could not be removed is taken over, if it is ours.
  mkdirSync(path, { recursive: true });
  // A sandbox's user passes; what lies in it is each build's own, and nobody sees its names.
  chmodSync(path, 0o711);
  started.defer(() => removeTree(path));
  return path;
}
