import type { GoogleStatus } from "../../../infra/emulators/wire/status.ts";
import { type Drawing, drawing } from "../drawing.ts";
import type { BuildWeather } from "../world/cloud-build.ts";
import type { MessageFate } from "../world/delivery.ts";
import { type Fate, type LostStatus, nameOf, type Plan } from "../world/fate.ts";

/** A fate of a call, by the call's place in its world. */
export interface Fault {
  site: string;
  nth: number;
  fate: Fate;
}

/** What goes wrong in a schedule, beside what happens at single calls. */
export interface Hazards {
  seed: number;
  /** How probable it is that something befalls a call. */
  perCall: number;
  messageFate(topic: string, data: Buffer): MessageFate | undefined;
  weather: Partial<BuildWeather>;
  /** Builds that may be live at a time. */
  slots: number;
  skewSeconds(): number;
  isSwept(elapsedMs: number): boolean;
  /** When Cloud Build answers nobody. */
  outages: [fromMs: number, toMs: number][];
  env: Record<string, string>;
}

const MINUTE_MS = 60_000;

export function hazardsOf(seed: number): Hazards {
  const draw = drawing(seed ^ 0xface);
  const messages = drawing(seed ^ 0xbeef);
  const messageRate = draw.oneOf([0, 0.05, 0.15]);
  const latest = draw.oneOf([60, 600, 600, 7200]);
  const sweepless = draw.isTrueWith(0.15) ? draw.between(2, 15) * MINUTE_MS : 0;
  const outageMs = draw.isTrueWith(0.15) ? draw.between(10_000, 900_000) : 0;
  const outageAtMs = draw.between(0, 6 * MINUTE_MS);
  const skew = draw.isTrueWith(0.3) ? 300 : 0;
  return {
    seed,
    perCall: draw.oneOf([0.002, 0.01, 0.03]),
    messageFate: () =>
      messages.isTrueWith(messageRate)
        ? messages.oneOf<MessageFate>([
            "lost",
            "twice",
            { lateSeconds: messages.between(1, latest) },
          ])
        : undefined,
    weather: {
      queueSeconds: draw.oneOf([
        [0, 3],
        [1, 40],
        [60, 180],
      ]),
      places: draw.oneOf([3, 8, 100]),
      createsPerMinute: draw.oneOf([3, 10, 1000]),
      getLagSeconds: draw.isTrueWith(0.2) ? 60 : 0,
      listLagSeconds: draw.oneOf([0, 60, 300]),
    },
    slots: draw.oneOf([2, 5, 40]),
    skewSeconds: () => (skew === 0 ? 0 : draw.between(-skew, skew)),
    isSwept: (elapsedMs) => elapsedMs < outageAtMs || elapsedMs > outageAtMs + sweepless,
    outages: outageMs === 0 ? [] : [[outageAtMs, outageAtMs + outageMs]],
    env: draw.isTrueWith(0.3)
      ? { RUNYARD_MAX_CONCURRENT_RUNS: "6", RUNYARD_DAILY_BUDGETS: '{"*": 1000}' }
      : {},
  };
}

const LOST: readonly LostStatus[] = ["UNAVAILABLE", "ABORTED", "INTERNAL", "DEADLINE_EXCEEDED"];
const FAILED: readonly GoogleStatus[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"];

/**
 * Every kind of fate, and every other thing that goes wrong, that must befall somebody in enough
 * schedules.
 */
export const EXPECTED: readonly string[] = [
  "die before",
  "die after",
  "freeze before",
  "freeze after",
  "slow",
  "again",
  ...LOST.map((status) => `lost ${status}`),
  ...FAILED.map((status) => `fail ${status}`),
  ...["run-requests", "cloud-builds"].flatMap((topic) =>
    ["lost", "twice", "late"].map((fate) => `${topic} ${fate}`),
  ),
  "Cloud Build is down",
  "retry",
  "lose",
  "end outside",
  "poison",
];

/**
 * The plan of a schedule, which notes what it has befall whom.
 *
 * @param exactly those faults and no others
 */
export function faultsOf(
  { seed, perCall }: Hazards,
  fired: Fault[],
  exactly?: readonly Fault[],
): Plan {
  const note = (fault: Fault): Fate => {
    fired.push(fault);
    return fault.fate;
  };
  if (exactly !== undefined) {
    const byPlace = new Map(exactly.map((fault) => [`${fault.site} ${fault.nth}`, fault]));
    return ({ handler, kind, nth }) => {
      const fault = byPlace.get(`${handler} ${kind} ${nth}`);
      return fault && note(fault);
    };
  }
  const draw = drawing(seed ^ 0xfa7e);
  return ({ handler, kind, nth }) =>
    draw.isTrueWith(perCall)
      ? note({ site: `${handler} ${kind}`, nth, fate: possible(kind, drawnFate(draw)) })
      : undefined;
}

/** CreateBuild is never repeated by its client: it would make a second build. */
const possible = (kind: string, fate: Fate): Fate =>
  kind === "builds.create" && fate.type === "again"
    ? { type: "lost", status: "UNAVAILABLE" }
    : fate;

function drawnFate(draw: Drawing): Fate {
  switch (draw.oneOf(["die", "freeze", "lost", "again", "fail", "slow"])) {
    case "die":
      return { type: "die", when: draw.oneOf(["before", "after"]) };
    case "freeze": {
      const seconds = draw.oneOf([20, 70, 150, 400]);
      return { type: "freeze", when: draw.oneOf(["before", "after"]), seconds };
    }
    case "lost":
      return { type: "lost", status: draw.oneOf(LOST) };
    case "again":
      return { type: "again" };
    case "fail":
      return { type: "fail", status: draw.oneOf(FAILED) };
    default:
      return { type: "slow", seconds: draw.between(10, 60) };
  }
}

/** `submitBuild firestore.commit 2: die after` */
export const describeFault = ({ site, nth, fate }: Fault): string =>
  `${site} ${nth}: ${nameOf(fate)}${"seconds" in fate ? ` ${Math.round(fate.seconds)} s` : ""}`;
