import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

interface LockedPackage {
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

type Lock = Record<string, LockedPackage>;

function readLock(folder: string): Lock {
  return JSON.parse(readFileSync(join(ROOT, folder, "package-lock.json"), "utf8")).packages;
}

/** Where a package looks for another: in its own folder, then in each one that it lies in. */
function places(from: string, name: string): string[] {
  const own = [from, "node_modules", name].filter(Boolean).join("/");
  if (from === "") return [own];
  return [own, ...places(from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/"))), name)];
}

/** Every package that another one asks for and that the lock does not pin. */
function missing(lock: Lock): string[] {
  return Object.entries(lock).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !places(path, name).some((place) => place in lock))
      .map((name) => `${path} needs ${name}`),
  );
}

describe.each([
  ["the project", "."],
  ["the benchmark's peers", "test/bench/peers"],
])("the lock of %s", (_name, folder) => {
  test("pins every package, those of other platforms too", () => {
    expect(missing(readLock(folder))).toEqual([]);
  });

  test("names no registry", () => {
    const named = Object.values(readLock(folder)).filter(({ resolved }) => resolved !== undefined);
    expect(named).toEqual([]);
  });
});
