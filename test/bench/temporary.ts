import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that goes with `cleanup`. */
export function temporaryFolder(cleanup: AsyncDisposableStack, name: string): string {
  if (cleanup.disposed) throw new Error("the benchmark was stopped");
  const path = mkdtempSync(join(tmpdir(), `runyard-bench-${name}-`));
  cleanup.defer(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
