import { usageFault } from "../../cli/failure.ts";
import { MACHINE_TYPES } from "../../shared/agent/settings.ts";

/** What is said of a target; what is absent stays as it is, or gets its default. */
export interface TargetOrder {
  id: string;
  slots: Record<string, number>;
  location?: string;
  pool?: string;
  rank?: number;
  createsPerMinute?: number;
}

/** The options of a target, as the command line says them. */
export interface TargetFlags {
  location?: string;
  pool?: string;
  rank?: string;
  rate?: string;
}

const ID = /^[a-z][a-z0-9-]{0,30}$/;
const LOCATION = /^[a-z0-9-]{1,40}$/;
const POOL = /^projects\/[^/\s]+\/locations\/[a-z0-9-]+\/workerPools\/[a-z0-9-]+$/;

/**
 * Reads what is said of a target.
 *
 * @param counts each a machine type and a number, as `E2_STANDARD_2=10`
 * @throws {Failure} that names what is wrong
 */
export function targetOrder(id: string, counts: string[], values: TargetFlags): TargetOrder {
  const { location, pool, rank, rate } = values;
  if (!ID.test(id)) {
    throw usageFault(`set needs the id of a target: small letters, digits and -, as default`);
  }
  if (counts.length === 0) throw usageFault("set needs how many builds, as E2_STANDARD_2=10");
  if (location !== undefined && !LOCATION.test(location)) {
    throw usageFault(`--location is ${location}, and must be a region as us-central1`);
  }
  if (pool !== undefined && !POOL.test(pool)) {
    throw usageFault(`--pool is ${pool}, and must be projects/P/locations/L/workerPools/W`);
  }
  return {
    id,
    slots: Object.fromEntries(counts.map(countOf)),
    ...(location !== undefined && { location }),
    ...(pool !== undefined && { pool }),
    ...(rank !== undefined && { rank: wholeNumber("--rank", rank, { least: 0, most: 1000 }) }),
    ...(rate !== undefined && {
      createsPerMinute: wholeNumber("--rate", rate, { least: 1, most: 100_000 }),
    }),
  };
}

function countOf(text: string): [string, number] {
  const [machineType = "", count = ""] = text.split("=");
  if (!(MACHINE_TYPES as readonly string[]).includes(machineType)) {
    throw usageFault(`${text} names no machine type; they are ${MACHINE_TYPES.join(", ")}`);
  }
  return [machineType, wholeNumber(machineType, count, { least: 0, most: 100_000 })];
}

function wholeNumber(
  name: string,
  text: string,
  { least, most }: { least: number; most: number },
): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw usageFault(
    `${name} is ${text || "empty"}, and must be a whole number from ${least} to ${most}`,
  );
}
