import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { isAlive } from "../../support/processes.ts";
import type { Trace } from "./work.ts";

/** An agent as its own traces tell of it. */
export interface TracedAgent {
  key: string;
  buildId: string;
  pid: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** When it had done its work; undefined: it never has. */
  endedAt: number | undefined;
}

/** What agents leave behind, read as it grows. */
export interface Journal {
  /** In the order of their starts. */
  agents: readonly TracedAgent[];
  /** Agents that came while another of the same run was at work. */
  doubles: readonly Trace[];
  ofRun(key: string): readonly TracedAgent[];
  /** Those of a run that are there now. */
  liveOf(key: string): TracedAgent[];
  /** Reads what is new. */
  read(): void;
  close(): void;
}

/** Opens a journal, which is made if it is not there. */
export function openJournal(path: string): Journal {
  const file = openSync(path, "a+");
  const decoder = new StringDecoder();
  const piece = Buffer.alloc(64 * 1024);
  const agents: TracedAgent[] = [];
  const byKey = new Map<string, TracedAgent[]>();
  const doubles: Trace[] = [];
  let at = 0;
  let rest = "";
  const take = (trace: Trace) => {
    const { what, key, buildId, pid, at: when } = trace;
    const own = byKey.get(key) ?? [];
    if (what === "double") doubles.push(trace);
    else if (what === "start") {
      const agent = { key, buildId, pid, startedAt: when, endedAt: undefined };
      agents.push(agent);
      byKey.set(key, [...own, agent]);
    } else {
      const agent = own.findLast((one) => one.pid === pid && one.buildId === buildId);
      if (agent !== undefined) agent.endedAt = when;
    }
  };
  const ofRun = (key: string) => byKey.get(key) ?? [];
  return {
    agents,
    doubles,
    ofRun,
    liveOf: (key) =>
      ofRun(key).filter((agent) => agent.endedAt === undefined && isAlive(agent.pid)),
    read() {
      for (let size = 1; size > 0; at += size) {
        size = readSync(file, piece, 0, piece.length, at);
        rest += decoder.write(piece.subarray(0, size));
      }
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(JSON.parse(line) as Trace);
    },
    close: () => closeSync(file),
  };
}
