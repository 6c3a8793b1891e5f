// What an agent does in a proof with real processes: it leaves traces outside of the system's own
// books. An agent's command line runs this as a program, or calls `work`.
import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** What a prompt asks for. */
export interface Task {
  /** File that traces are appended to. */
  journal: string;
  /** Names the run that was asked for, and stands in no document's id. */
  key: string;
  milliseconds: number;
}

/** A line of the journal. */
export interface Trace {
  /** `double`: another agent of the same run is at work, and this one does nothing. */
  what: "start" | "end" | "double";
  key: string;
  buildId: string;
  pid: number;
  /** Milliseconds since the epoch. */
  at: number;
}

const COMMAND = "run:";

/** The prompt that has an agent do a task: a command, which this module is the program of. */
export function promptOf({ journal, key, milliseconds }: Task): string {
  return `${COMMAND} ${process.execPath} ${import.meta.filename} ${journal} ${key} ${milliseconds}`;
}

/** Whether a prompt is such a one. */
export const isTask = (prompt: string): boolean => prompt.startsWith(`${COMMAND} `);

/** The task of such a prompt. */
export function taskOf(prompt: string): Task {
  const [, , , journal = "", key = "", milliseconds] = prompt.trim().split(" ");
  return { journal, key, milliseconds: Number(milliseconds) };
}

/** What an agent says that has done its task. */
const saidOf = ({ key }: Task, buildId: string): string => `did ${key} in ${buildId}`;

/**
 * Does a task: a trace at its start and one at its end, and in between nobody else does the same.
 * The build is known by what a local build's processes inherit.
 *
 * @returns what the agent shall say
 */
export async function work(task: Task): Promise<string> {
  const { journal, key, milliseconds } = task;
  const [buildId = ""] = (process.env["CLOUD_BUILD_STEP"] ?? "").split("/");
  const leave = (what: Trace["what"]) => {
    const trace: Trace = { what, key, buildId, pid: process.pid, at: Date.now() };
    appendFileSync(journal, `${JSON.stringify(trace)}\n`);
  };
  // The system gives a socket's abstract name to one process, until that is gone.
  const lock = createServer();
  const isAlone = await new Promise<boolean>((resolve) => {
    lock.once("error", () => resolve(false));
    lock.listen(`\0${key}`, () => resolve(true));
  });
  leave(isAlone ? "start" : "double");
  if (!isAlone) throw new Error(`another agent of ${key} is at work`);
  await sleep(milliseconds);
  leave("end");
  lock.close();
  return saidOf(task, buildId);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const said = await work(taskOf(["run:", ...process.argv].join(" ")));
  process.stdout.write(`${said}\n`);
}
