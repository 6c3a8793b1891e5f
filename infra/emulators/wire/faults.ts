import { type Clock, systemClock } from "./clock.ts";
import type { Fault, FaultAction } from "./fault.ts";
import { checkFault, type PlaceKind, placeKinds, refuse } from "./fault-rules.ts";
import { seededRandom } from "./random.ts";

/** How often a fault met a call that it looks at, and how often it fired. */
interface FaultCount {
  method: string;
  type: FaultAction["type"];
  calls: number;
  fired: number;
}

/** A fault at its place, as the place asks it. */
export interface ArmedFault {
  action: FaultAction;
  method: string;
  clock: Clock;
  /**
   * Whether to go wrong with this call; counts it. A `reorder` counts by {@link ArmedFault.note}.
   */
  decide(request: unknown): boolean;
  /** Counts a firing that {@link ArmedFault.decide} has left to the place. */
  note(): void;
}

/** Faults that the services of one stand-in share; made by {@link injectFaults}. */
export interface InjectedFaults {
  /** One for each fault, in the order in which they were given. */
  counts(): FaultCount[];
  /** @throws {Error} that names each fault that has not fired */
  assertFired(): void;
  /**
   * The faults for a place that a service has; the service calls it once at its start. Faults are
   * nested in the order given: the first one sees each call first.
   *
   * @throws {Error} if one of them makes no sense there
   */
  arm(method: string, kind: PlaceKind): ArmedFault[];
  /** @throws {Error} if a fault is for a method that begins with `prefix` and that no place had */
  assertArmed(prefix: string): void;
}

/**
 * Makes faults to pass to the start of one or several services, or of the whole stand-in. One
 * object can be passed again after a restart: its counts go on.
 *
 * @param options.seed decides all probabilities: the n-th decision of each fault is always the same
 * one
 * @param options.clock for delays; default the machine's
 * @throws {Error} for a fault that cannot fire, or that is not complete
 */
export function injectFaults(
  faults: readonly Fault[],
  options: { seed?: number; clock?: Clock } = {},
): InjectedFaults {
  const { seed, clock = systemClock } = options;
  const entries = faults.map((fault, index) => {
    checkFault(fault, { index, isSeeded: seed !== undefined });
    const counts = { calls: 0, fired: 0 };
    const random = seededRandom((seed ?? 0) + Math.imul(index + 1, 0x9e3779b1));
    return {
      fault,
      index,
      counts,
      isArmed: false,
      armed: armFault(fault, { counts, random, clock }),
    };
  });
  const countsOf = () =>
    entries.map(({ fault, counts }) => ({ method: fault.method, type: fault.do.type, ...counts }));
  return {
    counts: countsOf,
    assertFired() {
      const silent = entries.filter(({ counts }) => counts.fired === 0);
      if (silent.length === 0) return;
      const names = silent.map(({ fault, index, counts, isArmed }) => {
        const why = isArmed ? `${counts.calls} calls` : "no service with that method was started";
        return `faults[${index}] (${fault.do.type} at ${fault.method}; ${why})`;
      });
      throw new Error(`faults that have not fired: ${names.join(", ")}`);
    },
    arm(method, kind) {
      const here = entries.filter(({ fault }) => fault.method === method);
      for (const entry of here) {
        const kinds = placeKinds(entry.fault.do.type);
        if (!kinds.includes(kind))
          refuse(entry.fault, entry.index, reasonAgainst(entry.fault, kind));
        if (kind === "bidi" && entry.fault.when.matches !== undefined) {
          refuse(entry.fault, entry.index, "a stream of requests has no one request to match");
        }
        entry.isArmed = true;
      }
      return here.map(({ armed }) => armed);
    },
    assertArmed(prefix) {
      for (const { fault, index, isArmed } of entries) {
        if (isArmed || !fault.method.startsWith(prefix)) continue;
        refuse(fault, index, "the stand-in has no such method");
      }
    },
  };
}

function reasonAgainst({ do: action, method }: Fault, kind: PlaceKind): string {
  return `"${action.type}" makes no sense at ${method}, which is ${PLACE_WORDS[kind]}`;
}

const PLACE_WORDS: Record<PlaceKind, string> = {
  unary: "a unary RPC",
  serverStream: "an RPC with a stream of replies",
  bidi: "an RPC with a stream of requests",
  http: "an HTTP request",
  push: "a push",
  message: "a message inside the stand-in",
};

function armFault(
  { when, do: action, method }: Fault,
  own: { counts: { calls: number; fired: number }; random: () => number; clock: Clock },
): ArmedFault {
  const { counts, random, clock } = own;
  let decided = 0;
  function hits(): boolean {
    if ("count" in when) return counts.calls > (when.after ?? 0) && decided < when.count;
    return "probability" in when ? random() < when.probability : true;
  }
  return {
    action,
    method,
    clock,
    decide(request) {
      if (when.matches !== undefined && !when.matches(request)) return false;
      counts.calls++;
      if (!hits()) return false;
      decided++;
      if (action.type !== "reorder") counts.fired++;
      return true;
    },
    note: () => void counts.fired++,
  };
}
