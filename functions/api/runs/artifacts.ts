import { artifactOf } from "../../../shared/attempt/result.ts";
import { type AttemptPaths, pathsUnder } from "../../../shared/documents/attempt.ts";
import type { Output } from "../../../shared/documents/manifest.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { pathsOf } from "../../attempts/attempt-outcome.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { outputsExpired, sendContent } from "../http/send-content.ts";
import { sendTar } from "../http/send-tar.ts";
import { ownRecord } from "./own-run.ts";

const PATCH = "patch.diff";

/** `GET /v1/runs/{id}/artifacts`: every artifact of a finished run; none while it is at work. */
export async function listArtifacts(
  services: Services,
  call: CallOf<"listArtifacts">,
): Promise<void> {
  const outputs = await outputsOf(services, await ownRecord(services, call));
  const items = outputs.map((output) =>
    artifactOf(output, services.artifacts.uriOf(output.object)),
  );
  call.response.json({ items });
}

/** `GET /v1/runs/{id}/artifacts/{name+}`: the content of one. */
export async function getArtifact(services: Services, call: CallOf<"getArtifact">): Promise<void> {
  const record = await ownRecord(services, call);
  const { id } = record.run;
  const { name } = call.params;
  const output = (await outputsOf(services, record)).find((item) => item.name === name);
  if (output === undefined) {
    refuseUnfinished(record, "its artifacts come");
    const detail = `run ${id} has no artifact ${name}; /v1/runs/${id}/artifacts lists those that it has`;
    throw new AppError("not_found", { detail });
  }
  await sendContent(services, call, { output, runId: id });
}

/** `GET /v1/runs/{id}/artifacts.tar`: all of them, or those whose names begin with `prefix`. */
export async function getArtifactsTar(
  services: Services,
  call: CallOf<"getArtifactsTar">,
): Promise<void> {
  const record = await ownRecord(services, call);
  const { id } = record.run;
  const { prefix = "" } = call.query;
  const all = await outputsOf(services, record);
  const outputs = all.filter(({ name }) => name.startsWith(prefix));
  if (outputs.length === 0) {
    refuseUnfinished(record, "its artifacts come");
    const which = prefix === "" ? "no artifacts" : `no artifact whose name begins with ${prefix}`;
    const detail = `run ${id} has ${which}; /v1/runs/${id}/artifacts lists those that it has`;
    throw new AppError("not_found", { detail });
  }
  await sendTar(services, call, { outputs, name: `${id}.tar` });
}

/** `GET /v1/runs/{id}/patch`: what the run changed, for `git apply`. */
export async function getPatch(services: Services, call: CallOf<"getPatch">): Promise<void> {
  const record = await ownRecord(services, call);
  const patch = (await outputsOf(services, record)).find(({ name }) => name === PATCH);
  if (patch === undefined || patch.sizeBytes === 0) {
    refuseUnfinished(record, "its patch comes");
    throw new AppError("not_found", { detail: `run ${record.run.id} changed no files` });
  }
  await sendContent(services, call, { output: patch, runId: record.run.id });
}

/**
 * All outputs that the run's manifest names, or its checkpoint; the names are looked for in it
 * alone.
 *
 * @throws {AppError} outputs_expired
 */
async function outputsOf({ artifacts }: Services, record: RunRecord): Promise<readonly Output[]> {
  const { checkpoint, done } = record.run;
  if (!done) return [];
  const paths = keptIn(record);
  const from = checkpoint
    ? await artifacts.checkpointAt(paths, checkpoint.number)
    : await artifacts.manifestOf(paths);
  if (from === undefined && record.run.artifacts.length > 0) throw outputsExpired(record.run.id);
  if (from?.by !== "build") return [];
  const prefix = checkpoint ? paths.checkpoints : paths.outputs;
  return from.outputs.filter(({ object }) => object.startsWith(prefix));
}

/**
 * The objects of the attempt whose result the run shows: the last one that left something to go on
 * from.
 */
function keptIn(record: RunRecord): AttemptPaths {
  const { session } = record.state;
  const own = pathsOf(record);
  const [, prefix] = /^(attempts\/[^/]+\/[^/]+\/)/.exec(session?.files[0]?.object ?? "") ?? [];
  return session?.runId === record.run.id && prefix ? pathsUnder(prefix) : own;
}

function refuseUnfinished({ run }: RunRecord, what: string): void {
  if (run.done) return;
  const detail = `run ${run.id} is ${run.status}; ${what} with its end`;
  throw new AppError("not_found", { detail });
}
