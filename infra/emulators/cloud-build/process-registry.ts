import { systemClock } from "../wire/clock.ts";
import { unlessDiskFull } from "../wire/disk.ts";
import { killEverything, type Leader, leaderOf } from "./processes.ts";
import { startReaper } from "./reaper-link.ts";
import { openState, type State } from "./state.ts";

/**
 * Knows the processes of the builds that run, in three places: in memory, with the reaper (should
 * this process be killed) and in the database (should both be).
 */
export interface ProcessRegistry {
  /** Call before the build's first process starts. */
  watch(buildId: string): void;
  /** Call as soon as a step's first process has started. */
  add(buildId: string, pid: number): void;
  /** Kills what one step left behind, its first process `pid` included. */
  killStep(buildId: string, index: number, pid: number): Promise<void>;
  /**
   * The builds that, as far as is recorded, may have processes: after a crash, not only working
   * ones.
   */
  recordedBuilds(): string[];
  /** Kills all of a build's processes and forgets the build. */
  killBuild(buildId: string): Promise<void>;
  /** Ends the reaper. Call when every build has been killed. */
  close(): Promise<void>;
}

/** Starts a registry with its reaper. */
export function startProcessRegistry(state: State): ProcessRegistry {
  const leadersOf = new Map<string, Leader[]>();
  const reaper = startReaper(() =>
    [...leadersOf].flatMap(([watch, leaders]) => [
      { watch },
      ...leaders.map((leader) => ({ watch, leader })),
    ]),
  );
  return {
    watch(buildId) {
      leadersOf.set(buildId, []);
      reaper.tell({ watch: buildId });
    },
    add(buildId, pid) {
      const leader = leaderOf(pid);
      leadersOf.get(buildId)?.push(leader);
      reaper.tell({ watch: buildId, leader });
      recordLeader(state, buildId, leader);
    },
    async killStep(buildId, index, pid) {
      const leaders = leadersOf.get(buildId)?.filter((leader) => leader.pid === pid) ?? [];
      await killEverything(`${buildId}/${index}\0`, leaders);
    },
    recordedBuilds: () => recordedBuilds(state),
    async killBuild(buildId) {
      const leaders = leadersOf.get(buildId) ?? recordedLeaders(state, buildId);
      await killEverything(`${buildId}/`, leaders);
      leadersOf.delete(buildId);
      reaper.tell({ forget: buildId });
      // On a full disk the next start finds them recorded, and nothing to kill.
      unlessDiskFull(() => forgetLeaders(state, buildId));
    },
    close: () => reaper.close(),
  };
}

/**
 * Forgets the processes that are recorded in a directory which was brought here from another
 * machine: those of this machine are others. Call only while no service uses it.
 */
export function forgetProcesses(directory: string): void {
  const { database } = openState(directory, systemClock);
  database.exec("DELETE FROM processes");
  database.close();
}

function recordLeader({ database }: State, buildId: string, { pid, startedAt }: Leader): void {
  database
    .prepare("INSERT INTO processes (build_id, pid, started_at) VALUES (?, ?, ?)")
    .run(buildId, pid, startedAt);
}

function recordedBuilds({ database }: State): string[] {
  const rows = database.prepare("SELECT DISTINCT build_id FROM processes").all();
  return rows.map((row) => String(row["build_id"]));
}

function recordedLeaders({ database }: State, buildId: string): Leader[] {
  return database
    .prepare("SELECT pid, started_at FROM processes WHERE build_id = ?")
    .all(buildId)
    .map((row) => ({ pid: Number(row["pid"]), startedAt: String(row["started_at"]) }));
}

function forgetLeaders({ database }: State, buildId: string): void {
  database.prepare("DELETE FROM processes WHERE build_id = ?").run(buildId);
}
