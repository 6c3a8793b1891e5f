import type { Run } from "../documents/run.ts";
import type { RunRecord, RunState } from "./record.ts";

/** A change of a run's status, as its history has it. */
export type StatusChange = Run["history"][number];

/**
 * The changes of status that `run-events` has not been told of, oldest first. Of those that the
 * history has left out nothing is known any more.
 */
export function untold({ run: { history }, state }: RunRecord): StatusChange[] {
  return history.filter(
    ({ version, status }, index) => version > state.told && history[index - 1]?.status !== status,
  );
}

/** The state once the changes up to `version` are told. */
export function toldUpTo(record: RunRecord, version: number): Partial<RunState> {
  const told = Math.max(record.state.told, version);
  const { run, state } = record;
  const rest = untold({ run, state: { ...state, told } });
  return { told, tellAt: rest.length === 0 ? null : state.tellAt };
}
