import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReceivedSpan } from "../../emulators/otlp/messages.ts";
import { startOtlp } from "../../emulators/otlp/start.ts";
import { unlessDiskFull } from "../../emulators/wire/disk.ts";
import { waterfall } from "./waterfall.ts";

/** Waterfalls of runs, as files. */
export interface Traces extends AsyncDisposable {
  /** Variables that have functions tell their spans to this. */
  variables: Record<string, string>;
  /**
   * Tells of files later, while something else has the terminal; the returned function ends that.
   */
  hold(): () => void;
}

/** Runs whose spans are remembered: what comes late finds those that came before. */
const MOST_RUNS = 1000;
/** Of one run. */
const MOST_SPANS = 10_000;
/** As ids of runs are: what is none names no file. */
const RUN = /^run_[0-9A-Za-z]{1,40}$/;

/**
 * Receives what functions tell of runs, and keeps each run's trace as `DIRECTORY/traces/RUN.html`,
 * from its first span on.
 *
 * @param directory the state directory
 * @param tell is told the path of a run's file when the run is over
 */
export async function writeTraces(
  directory: string,
  tell: (runId: string, path: string) => void,
): Promise<Traces> {
  const folder = join(directory, "traces");
  const runs = new Map<string, ReceivedSpan[]>();
  let held: (() => void)[] | undefined;
  const keep = (runId: string, news: readonly ReceivedSpan[]): void => {
    const spans = [...(runs.get(runId) ?? []), ...news].slice(0, MOST_SPANS);
    runs.delete(runId);
    runs.set(runId, spans);
    const [oldest = ""] = runs.size > MOST_RUNS ? runs.keys() : [];
    runs.delete(oldest);
    const path = join(folder, `${runId}.html`);
    unlessDiskFull(() => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, waterfall(runId, spans), { mode: 0o600 });
    });
    if (!news.some(({ name }) => name === "complete")) return;
    if (held) held.push(() => tell(runId, path));
    else tell(runId, path);
  };
  const receiver = await startOtlp({
    onSpans(spans) {
      const byRun = Map.groupBy(spans, ({ attributes }) => `${attributes["runyard.run.id"]}`);
      for (const [runId, news] of byRun) if (RUN.test(runId)) keep(runId, news);
    },
  });
  return {
    variables: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_METRICS_EXPORTER: "none",
      // A file that grows while one looks at it.
      OTEL_BSP_SCHEDULE_DELAY: "200",
    },
    hold() {
      held ??= [];
      return () => {
        for (const say of held ?? []) say();
        held = undefined;
      };
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}
