import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Mutant } from "./mutant.ts";

const ROOT = join(import.meta.dirname, "../../..");

/**
 * The text of the mutant's file without its guard.
 *
 * @throws {Error} if what stands for the guard does not stand there once
 */
export function mutated({ name, file, from, to }: Mutant): string {
  const text = readFileSync(join(ROOT, file), "utf8");
  const count = text.split(from).length - 1;
  if (count === 1) return text.replace(from, () => to);
  throw new Error(
    `mutant "${name}": its text stands ${count} times in ${file}, and must stand there once`,
  );
}

/**
 * Has whoever imports the mutant's file from now on get it without its guard; nothing on disk
 * changes.
 */
export function patch(mutant: Mutant): void {
  const source = mutated(mutant);
  const url = pathToFileURL(join(ROOT, mutant.file)).href;
  registerHooks({
    load: (address, context, next) =>
      address === url
        ? { format: "module-typescript", source, shortCircuit: true }
        : next(address, context),
  });
}
