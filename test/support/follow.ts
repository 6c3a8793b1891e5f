import type { Firestore } from "@google-cloud/firestore";
import type { Run } from "../../shared/documents/run.ts";

/** Every snapshot that a listener saw of a run, up to the one that `isEnough`. */
export function snapshotsUntil(
  firestore: Firestore,
  runId: string,
  isEnough: (run: Run) => boolean = (run) => run.done,
): Promise<Run[]> {
  return new Promise((resolve, reject) => {
    const seen: Run[] = [];
    const stop = firestore.doc(`runs/${runId}`).onSnapshot((snapshot) => {
      if (!snapshot.exists) return;
      seen.push(snapshot.data() as Run);
      if (!isEnough(seen.at(-1) as Run)) return;
      stop();
      resolve(seen);
    }, reject);
  });
}
