import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { asOmissions, type Omitted } from "../../infra/agent/workspace/omissions.ts";
import { isRefusedByGit } from "../../shared/git-names.ts";
import { sha256 } from "../../shared/hash.ts";
import { GIT, startCloneWorld } from "../infra/agent/workspace/patch-world.ts";

/** Small enough for a few files to be too many. */
const LIMITS = { fileBytes: 3_000, treeBytes: 12_000, files: 25, patchBytes: 30_000 };

/** Names as an agent may leave them; bytes as latin1. */
const NAMES = [
  ...["a", "b.x", "c.y", "src", "lib", "node_modules", "dist", ".gitignore", ".gitattributes"],
  ...["a b", "-n", ":(top)", "#", 'q"uo\\te', "new\nline", "tab\t", "end ", " ", "*", "$(id)"],
  ...[
    "\xff",
    "\xc3\xa9",
    "x".repeat(255),
    ".gitmodules",
    ".git",
    ".GIT",
    "git~1",
    ".git.",
    "a\\.git",
  ],
  ...[".g\xe2\x80\x8cit", "gitmod~1", "gi7eba~1", "..x", "a..", ".x", "b", "aux", "diff --git a"],
];

const CONTENTS = [
  ...[
    "",
    "1\n",
    "no end",
    "a\r\nb\r\n",
    "\0\x01binary",
    "# Runyard: no\n",
    "*\n!a\n",
    "dist\n*.y\n",
  ],
  ...["*.x eol=crlf\n", "* text=auto ident\n", "$Id$\n", "$Id: x $\r\n", "diff --git a/x b/x\n"],
];

const MODES = [0o644, 0o644, 0o755, 0o600, 0o000, 0o777, 0o4755, 0o444];
const FOLDER_MODES = [0o755, 0o700, 0o000, 0o400, 0o555];

type Act =
  | { do: "write"; path: string; content: string; times: number; mode: number }
  | { do: "link"; path: string; target: string }
  | { do: "bulk"; path: string; number: number }
  | { do: "folder" | "pipe" | "repository" | "deep" | "remove"; path: string }
  | { do: "close"; path: string; mode: number };

const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const write = fc.record({
  do: fc.constant("write" as const),
  path,
  content: fc.constantFrom(...CONTENTS),
  times: fc.constantFrom(1, 1, 1, 30, 400, 2000),
  mode: fc.constantFrom(...MODES),
});
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: write },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("folder", "pipe", "repository", "deep", "remove", "remove" as const),
      path,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("link" as const),
      path,
      target: fc.constantFrom("a", "../..", "/etc/passwd", "nowhere", "\xff"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("bulk" as const), path, number: fc.nat(60) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("close" as const),
      path,
      mode: fc.constantFrom(...FOLDER_MODES),
    }),
  },
);

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const at = (folder: string, below: string): Buffer => bytes(`${folder}/${below}`);

/** Does what is asked, as far as the workspace lets it. */
function perform(folder: string, what: Act): void {
  try {
    const place = at(folder, what.path);
    if (what.do !== "remove" && what.do !== "close") {
      mkdirSync(place.subarray(0, place.lastIndexOf("/")), { recursive: true });
    }
    performAt(place, what);
  } catch {
    // Something else is there.
  }
}

function performAt(place: Buffer, what: Act): void {
  const under = (more: string) => Buffer.concat([place, bytes(`/${more}`)]);
  switch (what.do) {
    case "write":
      writeFileSync(place, bytes(what.content.repeat(what.times)));
      chmodSync(place, what.mode);
      break;
    case "link":
      symlinkSync(bytes(what.target), place);
      break;
    case "bulk":
      mkdirSync(place, { recursive: true });
      for (let i = 0; i < what.number; i += 1) writeFileSync(under(`f${i}.x`), `${i}\n`);
      break;
    case "pipe":
      execFileSync("mkfifo", ["fifo"], {
        cwd: place.subarray(0, place.lastIndexOf("/")).toString(),
      });
      break;
    case "repository":
      mkdirSync(under(".git"), { recursive: true });
      writeFileSync(under(".git/HEAD"), "ref: refs/heads/main\n");
      writeFileSync(under("file"), "f\n");
      break;
    case "deep":
      mkdirSync(under(Array(15).fill("d".repeat(255)).join("/")), { recursive: true });
      break;
    case "folder":
      mkdirSync(place, { recursive: true });
      break;
    case "remove":
      rmSync(place, { recursive: true });
      break;
    case "close":
      if (lstatSync(place).isDirectory()) chmodSync(place, what.mode);
  }
}

interface Seen {
  kind: "file" | "link" | "folder" | "other";
  mode: number;
  hash: string;
}

/** All that is in a folder, but for the repository that it is. */
function look(folder: string, below = "", seen = new Map<string, Seen>()): Map<string, Seen> {
  for (const found of readdirSync(at(folder, below), { encoding: "latin1" })) {
    const where = below === "" ? found : `${below}/${found}`;
    if (where === ".git") continue;
    const place = at(folder, where);
    const stats = lstatSync(place);
    const mode = stats.mode & 0o7777;
    if (stats.isDirectory()) {
      seen.set(where, { kind: "folder", mode, hash: "" });
      if (where.length < 3_700) look(folder, where, seen);
    } else if (stats.isSymbolicLink()) {
      const hash = readlinkSync(place, { encoding: "latin1" });
      seen.set(where, { kind: "link", mode: 0, hash });
    } else if (stats.isFile()) {
      seen.set(where, { kind: "file", mode, hash: sha256(readFileSync(place)) });
    } else seen.set(where, { kind: "other", mode, hash: "" });
  }
  return seen;
}

interface WorkspaceFigures {
  workspaces: number;
  seconds: number;
  /** Paths that the agents left, and those that were left out of what is kept. */
  left: number;
  omitted: number;
}

/**
 * Draws workspaces and what an agent does in them, and holds against what it left what the patch,
 * the run and the next turn have: nothing is missing that is not named.
 *
 * @param options.seed the same one draws the same workspaces
 * @throws {Error} with what was drawn and what is missing
 */
export async function fuzzWorkspaces(options: { workspaces: number; seed: number }) {
  const figures: WorkspaceFigures = { workspaces: 0, seconds: 0, left: 0, omitted: 0 };
  const startMs = Date.now();
  const tracked = fc.array(write, { maxLength: 12 });
  const acts = fc.array(act, { minLength: 1, maxLength: 25 });
  const property = fc.asyncProperty(tracked, acts, (before, after) =>
    tryOne({ before, after }, figures),
  );
  const run = { numRuns: options.workspaces, seed: options.seed, endOnFailure: true };
  const { errorInstance, counterexample } = await fc.check(property, run);
  if (errorInstance !== null) {
    const said = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
    throw new Error(`${said}\n${JSON.stringify(counterexample)}`, { cause: errorInstance });
  }
  figures.seconds = (Date.now() - startMs) / 1000;
  return figures;
}

async function tryOne(
  { before, after }: { before: readonly Act[]; after: readonly Act[] },
  figures: WorkspaceFigures,
): Promise<void> {
  await using world = await startCloneWorld({}, LIMITS, (origin) => {
    for (const what of before) if (!isRefusedByGit(what.path, false)) perform(origin, what);
  });
  for (const what of after) perform(world.workspace, what);
  const left = look(world.workspace);
  const { omitted, notes } = await world.write(10_000);
  if (!isDeepStrictEqual(left, look(world.workspace))) throw new Error("the workspace was changed");
  const all = [...omitted.named, ...omitted.ignored];
  const { files, moreFiles, ignoredFiles } = asOmissions(omitted);
  if (files.length + moreFiles + ignoredFiles !== all.length) throw new Error("wrong counts");
  const isNamed = namedIn(all);
  const next = world.clone("next");
  await world.restore(next);
  hold("next turn", left, { got: look(next), isNamed, isSame: (a, b) => isDeepStrictEqual(a, b) });
  const fresh = world.clone("fresh");
  world.apply(fresh);
  const got = look(fresh);
  hold("patch", filesIn(left), {
    ...{ got: filesIn(got), isNamed },
    isSame: (a, b, where) => isSameInGit(a, b, { where, world: [fresh, world.workspace] }),
  });
  holdNotes(notes, { left, got, isNamed });
  figures.workspaces += 1;
  figures.left += left.size;
  figures.omitted += all.length;
}

/** Whether a path, or a folder that it is in, is left out; or it is a folder of nothing else. */
function namedIn(omitted: readonly Omitted[]): (where: string) => boolean {
  const paths = new Set(omitted.map(({ path: out }) => out));
  return (where) => {
    for (let end = where.length; end > 0; end = where.lastIndexOf("/", end - 1)) {
      if (paths.has(where.slice(0, end))) return true;
    }
    return false;
  };
}

interface Held {
  got: Map<string, Seen>;
  isNamed(where: string): boolean;
  isSame(a: Seen | undefined, b: Seen | undefined, where: string): boolean;
}

function hold(what: string, left: Map<string, Seen>, { got, isNamed, isSame }: Held): void {
  for (const where of new Set([...left.keys(), ...got.keys()])) {
    const [a, b] = [left.get(where), got.get(where)];
    if (isSame(a, b, where) || isNamed(where)) continue;
    throw new Error(`${what}: ${JSON.stringify(where)} is ${JSON.stringify({ left: a, got: b })}`);
  }
}

const filesIn = (seen: Map<string, Seen>): Map<string, Seen> =>
  new Map([...seen].filter(([, { kind }]) => kind !== "folder"));

/** As git sees them: the executable bit of the owner, and the form that it would commit. */
function isSameInGit(
  a: Seen | undefined,
  b: Seen | undefined,
  { where, world: [fresh, workspace] }: { where: string; world: [string, string] },
): boolean {
  if (a?.kind !== b?.kind) return false;
  if (a?.kind === "file" && b && (a.mode & 0o100) !== (b.mode & 0o100)) return false;
  if (a?.hash === b?.hash) return true;
  if (a?.kind !== "file") return false;
  const form = (folder: string): string => {
    const input = readFileSync(at(folder, where));
    const args = ["hash-object", "--stdin", "--path", where];
    const options = { cwd: fresh, env: GIT, input, stdio: "pipe" as const };
    return execFileSync("git", args, options).toString();
  };
  return form(fresh) === form(workspace);
}

function holdNotes(
  notes: readonly string[],
  { left, got, isNamed }: Pick<Held, "got" | "isNamed"> & { left: Map<string, Seen> },
): void {
  const unnamed = [...left].filter(([where]) => !isNamed(where));
  const isFolderMissing = unnamed.some(([where, { kind }]) => kind === "folder" && !got.has(where));
  const said = notes.join("\n");
  if (isFolderMissing && !said.includes("empty folders") && !said.includes("left out")) {
    throw new Error("patch: an empty folder is missing without a word");
  }
  const isModeMissing = unnamed.some(([where, { mode }]) => {
    const there = got.get(where);
    return there !== undefined && there.mode !== mode;
  });
  if (isModeMissing && !said.includes("the modes of")) {
    throw new Error("patch: a mode is missing without a word");
  }
}
