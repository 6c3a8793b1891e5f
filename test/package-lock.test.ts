import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

interface LockedPackage {
  /** Of a workspace it is the folder. */
  resolved?: string;
  link?: boolean;
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
  ["what deploys", "infra/deploy/stack"],
])("the lock of %s", (_name, folder) => {
  test("pins every package, those of other platforms too", () => {
    expect(missing(readLock(folder))).toEqual([]);
  });

  test("names no registry", () => {
    const lock = readLock(folder);
    const named = Object.values(lock).filter(
      ({ resolved = "", link = false }) => resolved !== "" && !(link && resolved in lock),
    );
    expect(named).toEqual([]);
  });
});

test("a package that several parts of the project name has one version, and one place", () => {
  const apart = Object.keys(readLock(".")).filter((path) =>
    /^(shared|functions|infra)\/.*node_modules\//.test(path),
  );
  expect(apart).toEqual([]);
});
