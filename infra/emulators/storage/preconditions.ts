import { GoogleError } from "../wire/status.ts";
import { StorageError } from "./errors.ts";

/** What must hold of an object's live generation; 0 stands for "there is none". */
export interface Preconditions {
  ifGenerationMatch?: number;
  ifGenerationNotMatch?: number;
  ifMetagenerationMatch?: number;
  ifMetagenerationNotMatch?: number;
}

/** The two numbers that preconditions look at. */
export interface Versioned {
  generation: number;
  metageneration: number;
}

const NAMES = [
  "ifGenerationMatch",
  "ifGenerationNotMatch",
  "ifMetagenerationMatch",
  "ifMetagenerationNotMatch",
] as const;

/**
 * Reads an int64 request parameter; undefined if it is not there.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if it is no whole number from 0 up
 */
export function parseInteger(
  parameters: Record<string, string | undefined>,
  name: string,
): number | undefined {
  const text = parameters[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new GoogleError("INVALID_ARGUMENT", `Invalid value for parameter ${name}: "${text}"`);
  }
  return value;
}

/**
 * The preconditions among a request's query parameters. `scope` `"Source"` reads those of a copy's
 * source: `ifSourceGenerationMatch` and so on.
 *
 * @throws {GoogleError} INVALID_ARGUMENT if one of them is no number
 */
export function parsePreconditions(
  query: Record<string, string | undefined>,
  scope: "" | "Source" = "",
): Preconditions {
  const preconditions: Preconditions = {};
  for (const name of NAMES) {
    const value = parseInteger(query, name.replace(/^if/, `if${scope}`));
    if (value !== undefined) preconditions[name] = value;
  }
  return preconditions;
}

/** The preconditions among an XML request's headers (`x-goog-if-generation-match` and its like). */
export function parseHeaderPreconditions(
  headers: Record<string, string | string[] | undefined>,
): Preconditions {
  const generation = headers["x-goog-if-generation-match"]?.toString();
  const metageneration = headers["x-goog-if-metageneration-match"]?.toString();
  return parsePreconditions({
    ...(generation === undefined ? {} : { ifGenerationMatch: generation }),
    ...(metageneration === undefined ? {} : { ifMetagenerationMatch: metageneration }),
  });
}

/**
 * Checks preconditions before a write. `current` is undefined when there is no live object.
 *
 * @throws {StorageError} conditionNotMet
 * @see https://cloud.google.com/storage/docs/request-preconditions
 */
export function checkForWrite(conditions: Preconditions, current: Versioned | undefined): void {
  if (!matches(conditions, current) || !differs(conditions, current)) throw conditionNotMet();
}

/**
 * Checks preconditions before a read of `current`.
 *
 * @throws {StorageError} conditionNotMet; notModified when only a `…NotMatch` does not hold
 */
export function checkForRead(conditions: Preconditions, current: Versioned): void {
  if (!matches(conditions, current)) throw conditionNotMet();
  if (!differs(conditions, current)) {
    throw new StorageError("notModified", "Not Modified");
  }
}

function matches(conditions: Preconditions, current: Versioned | undefined): boolean {
  const { ifGenerationMatch, ifMetagenerationMatch } = conditions;
  return (
    (ifGenerationMatch === undefined || ifGenerationMatch === (current?.generation ?? 0)) &&
    (ifMetagenerationMatch === undefined || ifMetagenerationMatch === current?.metageneration)
  );
}

function differs(conditions: Preconditions, current: Versioned | undefined): boolean {
  const { ifGenerationNotMatch, ifMetagenerationNotMatch } = conditions;
  return (
    (ifGenerationNotMatch === undefined || ifGenerationNotMatch !== (current?.generation ?? 0)) &&
    (ifMetagenerationNotMatch === undefined ||
      (current !== undefined && ifMetagenerationNotMatch !== current.metageneration))
  );
}

function conditionNotMet(): StorageError {
  return new StorageError(
    "conditionNotMet",
    "At least one of the pre-conditions you specified did not hold.",
  );
}
