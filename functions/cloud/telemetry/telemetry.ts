import type { Clock } from "../../../shared/clock.ts";
import { describeError, type Log } from "../../log.ts";
import { type Telemetry, UNTOLD } from "../../services/telemetry.ts";
import type { TelemetrySettings } from "../../telemetry-settings.ts";

/** By then a process listens: what is loaded does not make its start longer. In milliseconds. */
const LOAD_AFTER_MS = 1000;

/**
 * Telemetry by OpenTelemetry, which is loaded where it is configured, and not before the process
 * listens.
 *
 * @param settings undefined: nobody is told
 */
export function openTelemetry(
  settings: TelemetrySettings | undefined,
  { log, timers }: { log: Log; timers: Pick<Clock, "after"> },
): Telemetry {
  if (settings === undefined) return UNTOLD;
  let loading: Promise<Telemetry> | undefined;
  const load = (): Promise<Telemetry> => {
    loading ??= start(settings, log);
    return loading;
  };
  timers.after(LOAD_AFTER_MS, () => void load());
  const tell = (what: (telemetry: Telemetry) => void): void =>
    void load()
      .then(what)
      .catch((error: unknown) => log("ERROR", `not told: ${describeError(error)}`));
  return {
    within: async (span, work) => (await load()).within(span, work),
    accepted: () => tell((telemetry) => telemetry.accepted()),
    committed: (change) => tell((telemetry) => telemetry.committed(change)),
    waiting: async (count) => (await load()).waiting(count),
    flush: async () => (await loading)?.flush(),
  };
}

/** Never fails: what cannot be told keeps nothing from happening. */
async function start(settings: TelemetrySettings, log: Log): Promise<Telemetry> {
  try {
    const { startOpenTelemetry } = await import("./open-telemetry.ts");
    return startOpenTelemetry(settings, log);
  } catch (error) {
    log("ERROR", `no telemetry: ${describeError(error)}`);
    return UNTOLD;
  }
}
