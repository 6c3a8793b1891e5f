import { fillWithFinishedRuns } from "./finished-runs.ts";
import { serveHelper } from "./serve-helper.ts";

serveHelper(async ({ directory, count }: { directory: string; count: number }) => {
  await fillWithFinishedRuns(directory, count);
  return {};
});
