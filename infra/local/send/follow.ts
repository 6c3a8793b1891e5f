import { Firestore } from "@google-cloud/firestore";
import type { Run } from "../../../client/types.ts";
import { watchRun } from "../../../client/watch.ts";
import type { ServerAddress } from "../state/directory.ts";
import { indented, say } from "../terminal.ts";

/** Follows a run with a Firestore listener, a line for each change, and says how it ended. */
export async function followRun(server: ServerAddress, runId: string): Promise<Run> {
  const host = server.clients["FIRESTORE_EMULATOR_HOST"] ?? "";
  const firestore = new Firestore({ projectId: server.projectId, host, ssl: false });
  try {
    const run = await lastOf(watchRun(firestore, runId), lineWriter(Date.now()));
    sayResult(run, server);
    return run;
  } finally {
    await firestore.terminate();
  }
}

async function lastOf(runs: AsyncIterable<Run>, onChange: (run: Run) => void): Promise<Run> {
  let last: Run | undefined;
  for await (const run of runs) {
    onChange(run);
    last = run;
  }
  if (last === undefined) throw new Error("the run ended before it was seen");
  return last;
}

/** Writes a line with the elapsed time whenever there is something new to say. */
function lineWriter(startMs: number): (run: Run) => void {
  let last = "";
  return (run) => {
    const line = `${run.status.padEnd(10)} ${happening(run)}`;
    if (line === last) return;
    last = line;
    const seconds = ((Date.now() - startMs) / 1000).toFixed(1);
    say(`${seconds.padStart(6)}s ${line}`);
  };
}

function happening(run: Run): string {
  if (run.done) return run.error ? run.error.message : run.why;
  if (run.progress) return `turn ${run.progress.turn}: ${run.progress.text}`;
  const cause = run.status === "running" ? run.why : (run.history.at(-1)?.cause ?? run.why);
  return run.attempt > 1 ? `${cause} (attempt ${run.attempt})` : cause;
}

const COLUMN = 12;

function sayResult(run: Run, server: ServerAddress): void {
  const row = (name: string, text: string) =>
    say(`  ${name.padEnd(COLUMN - 2)}${indented(text, COLUMN)}`);
  if (run.error) row("Remedy", run.error.remedy);
  if (run.output?.text) row("Answer", run.output.text);
  if (run.output?.structured) row("Structured", JSON.stringify(run.output.structured));
  if (run.output) row("Changed", changedFiles(run.output));
  if (run.usage) row("Usage", usage(run.usage));
  if (run.isolation) row("Sandbox", run.isolation);
  const outputs = run.artifacts[0]?.uri.replace(/[^/]*$/, "");
  if (outputs === undefined) return;
  row("Outputs", `${outputs}  ${run.artifacts.map(({ name }) => name).join("  ")}`);
  row("", `curl ${urlOf(run.artifacts[0]?.uri ?? "", server)}`);
}

function changedFiles({ changedFiles: files, moreChangedFiles }: NonNullable<Run["output"]>) {
  if (files.length === 0) return "nothing";
  const shown = files.slice(0, 20).map(({ path, added, removed }) => {
    if (added === null) return `${path} (binary)`;
    return `${path} (+${added}${removed ? ` -${removed}` : ""})`;
  });
  const more = files.length - shown.length + moreChangedFiles;
  return shown.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

function usage({ turns, costUsd, inputTokens, outputTokens }: NonNullable<Run["usage"]>) {
  const cost = costUsd === 0 ? "$0" : `$${costUsd.toFixed(4)}`;
  return `${turns} turns, ${cost}, ${inputTokens} tokens in, ${outputTokens} out`;
}

/** Where an object of `gs://bucket/name` is downloaded from here. */
function urlOf(uri: string, server: ServerAddress): string {
  const [, bucket = "", name = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`;
  return `'${server.clients["STORAGE_EMULATOR_HOST"]}${path}'`;
}
