import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../cli/failure.ts";
import { digestOf } from "./registry.ts";

/** An image that ours begin with, as `bases.json` has it. */
interface Base {
  /** Registry, repository and tag. */
  image: string;
  /** `sha256:…` of what the tag was when it was looked up; null: it never was. */
  digest: string | null;
}

/** By the name of the Dockerfile's argument. */
export type Bases = Record<"NODE" | "DEBIAN", Base>;

const FILE = join(import.meta.dirname, "bases.json");
const PIN = "npm run images -- --pin";

export const readBases = (file: string = FILE): Bases => JSON.parse(readFileSync(file, "utf8"));

/**
 * The bases by their digests, as the Dockerfile's arguments.
 *
 * @throws {Failure} if one has none
 */
export function pinned(bases: Bases): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bases).map(([name, { image, digest }]) => {
      if (digest === null) {
        throw new Failure(
          `${image} is not pinned to a digest. Where its registry is reached ${PIN} does that; --debian needs no registry`,
        );
      }
      return [name, `${image}@${digest}`];
    }),
  );
}

/**
 * Writes the digests that the bases' tags have now into `bases.json`, all of them or none.
 *
 * @returns a line for each, with what it was before
 * @throws {Failure} if a registry does not answer, or has no such image
 */
export async function pinBases(file: string = FILE): Promise<string[]> {
  const bases = readBases(file);
  const rows = await Promise.all(
    Object.entries(bases).map(async ([name, base]) => {
      const digest = await digestOf(base.image);
      const before = base.digest === digest ? "as before" : `was ${base.digest ?? "not pinned"}`;
      return { name, base: { ...base, digest }, line: `${base.image}@${digest} (${before})` };
    }),
  );
  const after = Object.fromEntries(rows.map(({ name, base }) => [name, base]));
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`);
  return rows.map(({ line }) => line);
}
