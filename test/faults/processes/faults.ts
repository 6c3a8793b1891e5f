import { setTimeout as sleep } from "node:timers/promises";
import { descendantsWith, isAlive, variableOf } from "../../support/processes.ts";
import type { Drawing } from "../drawing.ts";
import type { Hosts } from "../hosts.ts";
import { type Network, WEATHERS, type Weather } from "./network.ts";

const SIGNALS = ["SIGKILL", "SIGTERM", "SIGSTOP"] as const;
type Signal = (typeof SIGNALS)[number];

/** Words in the command lines of what may be hit, below the stand-in. */
const WORDS = {
  api: "--target=api",
  submitBuild: "--target=submitBuild",
  recordBuildStatus: "--target=recordBuildStatus",
  sweep: "--target=sweep",
  runner: "runner/main.cjs",
} as const;
type Target = keyof typeof WORDS | "stand-in";
const TARGETS = [...(Object.keys(WORDS) as (keyof typeof WORDS)[]), "stand-in"] as const;

interface SignalFault {
  type: "signal";
  signal: Signal;
  target: Target;
}

/** Something that goes wrong. */
export type ProcessFault = SignalFault | { type: "weather"; weather: Weather };

/** What a fault is called where it is counted. */
export const nameOf = (fault: ProcessFault): string =>
  fault.type === "signal" ? `${fault.signal} ${fault.target}` : `${fault.weather} on the network`;

/** Each fault once. */
export const FAULTS: readonly ProcessFault[] = [
  ...TARGETS.flatMap((target) =>
    SIGNALS.map((signal) => ({ type: "signal", signal, target }) as const),
  ),
  ...WEATHERS.map((weather) => ({ type: "weather", weather }) as const),
];

/** What faults befall. */
export interface Field {
  hosts: Hosts;
  /** By what is behind them. */
  networks: Readonly<Record<string, Network>>;
  draw: Drawing;
  /** How long everything takes to start. */
  startSeconds: number;
  isOver(): boolean;
  /** Is told of each fault that has fired. @param buildId that of the runner that was hit */
  fired(fault: ProcessFault, buildId?: string): void;
}

/** Has faults befall a field, one after the other and some at a time, until it is over. */
export async function befall(field: Field): Promise<void> {
  const { draw, startSeconds } = field;
  // A slow machine needs time for the work between faults, too.
  const slowness = Math.max(1, startSeconds / USUAL_START_SECONDS);
  /** What goes on beside what comes next. */
  const going = new Set<Promise<void>>();
  const deck: ProcessFault[] = [];
  while (!field.isOver()) {
    if (deck.length === 0) deck.push(...shuffled(draw));
    const fault = deck.pop() as ProcessFault;
    const hit = hitBy(field, fault).then((hasFired) => {
      // There was nobody: later there may be.
      if (!hasFired) deck.unshift(fault);
    });
    going.add(hit);
    void hit.finally(() => going.delete(hit)).catch(() => {});
    // Nothing else while it starts: that it does not start then proves nothing.
    if (isOfStandIn(fault)) await hit;
    const [least, most] = isOfStandIn(fault) ? CALM_MS : PAUSE_MS;
    await sleep(slowness * draw.between(least, most));
  }
  await Promise.all(going);
}

/** So long everything takes to start where the pauses are as they stand here. */
const USUAL_START_SECONDS = 5;

/** Between a fault and the next, */
const PAUSE_MS = [200, 2500] as const;
/** … and after one of the stand-in: it serves again, and goes on with what it was at. */
const CALM_MS = [1000, 5000] as const;

const isOfStandIn = (fault: ProcessFault): boolean =>
  fault.type === "signal" && fault.target === "stand-in";

/** Resolves when it is over; false: it befell nobody. */
async function hitBy(field: Field, fault: ProcessFault): Promise<boolean> {
  if (fault.type === "weather") return changeWeather(field, fault);
  const { target } = fault;
  if (target !== "stand-in") return hitProcess(field, { ...fault, target });
  for (const network of Object.values(field.networks)) network.clear();
  await hitStandIn(field, fault);
  return true;
}

/** Each fault once, in any order. */
function shuffled(draw: Drawing): ProcessFault[] {
  return FAULTS.map((fault) => ({ fault, at: draw.between(0, 1) }))
    .sort((left, right) => left.at - right.at)
    .map(({ fault }) => fault);
}

/** How long a process stands still. */
const STILL_MS = [100, 6000] as const;
/** A runner stands still for longer than what waits for it has patience. */
const RUNNER_STILL_MS = [500, 25_000] as const;

async function hitProcess(
  { hosts, draw, fired }: Field,
  fault: SignalFault & { target: keyof typeof WORDS },
): Promise<boolean> {
  const { signal, target } = fault;
  const candidates = descendantsWith(hosts.pid(), WORDS[target]);
  if (candidates.length === 0) return false;
  const pid = draw.oneOf(candidates);
  const buildId = variableOf(pid, "BUILD_ID");
  if (!send(pid, signal)) return false;
  fired(fault, buildId);
  if (signal !== "SIGSTOP") return true;
  const [least, most] = target === "runner" ? RUNNER_STILL_MS : STILL_MS;
  await sleep(draw.between(least, most));
  send(pid, "SIGCONT");
  return true;
}

async function hitStandIn(field: Field, fault: SignalFault): Promise<void> {
  const { hosts, draw, fired } = field;
  fired(fault);
  if (fault.signal === "SIGSTOP") {
    process.kill(hosts.pid(), "SIGSTOP");
    await sleep(draw.between(100, 4000));
    process.kill(hosts.pid(), "SIGCONT");
    return;
  }
  if (fault.signal === "SIGKILL") await hosts.kill();
  else await hosts.terminate();
  if (draw.isTrueWith(0.2)) await hosts.killWhileStarting(draw.between(0, 1500));
  await hosts.restart();
}

/** False: it was gone already. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH" || isAlive(pid)) throw error;
    return false;
  }
}

/** How long a weather waits for somebody whom it befalls, */
const MEETS_WITHIN_MS = 6000;
/** … and how long it lasts from then on; now and then it outlasts the deadline of a call. */
const LASTS_MS = [100, 4000] as const;
const LONG_MS = 18_000;

async function changeWeather(
  { networks, draw, fired }: Field,
  fault: ProcessFault & { type: "weather" },
): Promise<boolean> {
  const fair = Object.values(networks).filter((network) => network.isFair());
  if (fair.length === 0) return false;
  const network = draw.oneOf(fair);
  const lastsMs = draw.isTrueWith(0.1) ? LONG_MS : draw.between(...LASTS_MS);
  const { promise: met, resolve } = Promise.withResolvers<true>();
  network.begin(fault.weather, draw.between(20, 800), () => resolve(true));
  const isMet = await Promise.race([met, sleep(MEETS_WITHIN_MS, false as const)]);
  if (isMet) {
    fired(fault);
    await sleep(lastsMs);
  }
  network.clear();
  return isMet;
}
