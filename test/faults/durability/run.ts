import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../../infra/emulators/wire/fault.ts";
import { seededRandom } from "../../../infra/emulators/wire/random.ts";
import { freePorts } from "../../support/free-ports.ts";
import { type Hosts, openHosts } from "../hosts.ts";
import { buildLoad } from "./build-load.ts";
import {
  closeClients,
  type Field,
  type Load,
  openClients,
  PROJECT,
  portsOf,
  SERVICES,
  type Service,
  type Tally,
} from "./field.ts";
import { commitLoad, transactionLoad } from "./firestore-load.ts";
import type { HostOrder } from "./host.ts";
import { publishLoad } from "./pubsub-load.ts";
import { uploadLoad } from "./storage-load.ts";

// Google's clients add listeners to a stream for each time that they try it again.
EventEmitter.defaultMaxListeners = 200;

/** What a run of the harness found. */
export interface Figures {
  seed: number;
  kills: number;
  tallies: Record<Service, Tally>;
  violations: string[];
  /** From the order to start to the moment when all four services accept calls, sorted. */
  restartsMs: number[];
}

const SHORTEST_LIFE_MS = 30;
const LONGEST_LIFE_MS = 1500;
/** How often a host is killed while it starts, and how late in that. */
const KILLED_AT_START = 0.15;
const LATEST_AT_START_MS = 150;

/** A busy machine makes so few calls that it is given longer, at most so many times the seconds. */
const LONGEST = 4;

/**
 * Makes load on the four services through the official clients and kills the process that hosts
 * them, at random moments, for so many seconds, and longer while that proves nothing; then looks
 * whether everything acknowledged is there.
 *
 * @param options.faults what goes wrong besides, in each host anew; default nothing
 * @param options.onProgress called after each kill
 */
export async function runDurability(options: {
  seconds: number;
  seed: number;
  faults?: Fault[];
  onProgress?(figures: Figures): void;
}): Promise<Figures> {
  await using cleanup = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "durability-"));
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  const ports = portsOf(await freePorts(4));
  const order: HostOrder = { directory, ports, faults: options.faults ?? [] };
  const program = fileURLToPath(new URL("./host.ts", import.meta.url));
  const { hosts } = await openHosts(program, order);
  cleanup.defer(() => hosts.close());
  const clients = openClients(PROJECT, ports);
  cleanup.defer(() => closeClients(clients));
  let isOver = false;
  const violations: string[] = [];
  const tallies = Object.fromEntries(
    SERVICES.map((service) => [service, { acknowledged: 0, ambiguous: 0, unreached: 0 }]),
  ) as Record<Service, Tally>;
  const random = seededRandom(options.seed + 1);
  const field: Field = { clients, random, tallies, violations, isOver: () => isOver };
  const publishes = cleanup.use(await publishLoad(field));
  const loads: Load[] = [
    commitLoad(field),
    transactionLoad(field),
    publishes,
    uploadLoad(field),
    buildLoad(field, { directory, statuses: publishes.statuses }),
  ];
  const { seed } = options;
  const figures: Figures = { seed, kills: 0, tallies, violations, restartsMs: [] };
  const loading = Promise.all(loads.map((load) => load.run()));
  try {
    await killForAWhile(hosts, figures, options);
  } finally {
    isOver = true;
    await loading;
  }
  await Promise.all(loads.map((load) => load.check()));
  figures.restartsMs.sort((left, right) => left - right);
  return figures;
}

async function killForAWhile(
  hosts: Hosts,
  figures: Figures,
  options: Parameters<typeof runDurability>[0],
): Promise<void> {
  const random = seededRandom(options.seed);
  const { seconds } = options;
  const startMs = performance.now();
  const isWithin = (limit: number) => performance.now() - startMs < limit * 1000;
  const isWeak = () => weaknessesOf(figures, seconds).length > 0;
  while (isWithin(seconds) || (isWeak() && isWithin(seconds * LONGEST))) {
    await sleep(SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS));
    await hosts.kill();
    figures.kills++;
    while (random() < KILLED_AT_START) {
      await hosts.killWhileStarting(random() * LATEST_AT_START_MS);
      figures.kills++;
    }
    figures.restartsMs.push(await hosts.restart());
    options.onProgress?.(figures);
  }
}

/**
 * What keeps figures of `seconds` from proving anything: too few kills, or a service that too few
 * met.
 */
export function weaknessesOf({ kills, tallies }: Figures, seconds: number): string[] {
  const [leastKills, leastCalls] = [seconds / 3, (seconds / 60) * 50];
  const weaknesses = Object.entries(tallies).flatMap(([service, { acknowledged, ambiguous }]) => [
    ...(acknowledged > leastCalls ? [] : [`only ${acknowledged} ${service} were acknowledged`]),
    ...(ambiguous > 0 ? [] : [`no kill met any of the ${service}`]),
  ]);
  return kills >= leastKills ? weaknesses : [`only ${kills} kills`, ...weaknesses];
}

/** The figures as a person reads them. */
export function describe({ seed, kills, tallies, violations, restartsMs }: Figures): string {
  const lines = SERVICES.map((service) => {
    const { acknowledged, ambiguous, unreached } = tallies[service];
    return `  ${service.padEnd(12)} ${acknowledged} acknowledged, ${ambiguous} ambiguous, ${unreached} not made`;
  });
  const at = (share: number) => restartsMs[Math.floor((restartsMs.length - 1) * share)]?.toFixed(0);
  return [
    `seed ${seed}: ${kills} kills, ${violations.length} violations`,
    ...lines,
    `  restart      p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
    ...violations.slice(0, 50).map((violation) => `  VIOLATION ${violation}`),
  ].join("\n");
}
