import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Failure } from "../../cli/failure.ts";
import { say } from "../../cli/terminal.ts";
import { repositoryFile } from "../local/programs.ts";
import { pinned, readBases } from "./bases.ts";
import { type Commands, startCommands } from "./commands.ts";
import { assembleParts } from "./parts.ts";
import { buildCommand, findTool, insideCommands, type Order, type Tool } from "./tool.ts";

/** The images by their stages in the Dockerfile, and how much each may have, in bytes. */
export const IMAGES = {
  functions: { tag: "localhost/runyard/functions", maxBytes: 250_000_000 },
  runner: { tag: "localhost/runyard/agent", maxBytes: 800_000_000 },
} as const;

type ImageName = keyof typeof IMAGES;

/** What an image is made of, in an image. */
export const PACKAGES = "/runyard/packages.cdx.json";
/** Where the same lies outside, as `NAME.cdx.json`, with what the build said. */
export const FOLDER = repositoryFile("dist/images");
const PARTS = join(FOLDER, "parts");
const DOCKERFILE = join(import.meta.dirname, "Dockerfile");
const RELEASE = "bookworm";
const DEBIAN = "localhost/runyard/debian";

/** Of what both images are made. */
type Source = Pick<Order, "context" | "arguments" | "contexts" | "isLocal">;

/**
 * Builds both images.
 *
 * @param ofDebian whether the base is made here of Debian's packages, and the rest of what this
 * machine has
 * @throws {Failure} that says what is missing, or which command failed
 */
export async function buildImages(ofDebian: boolean, signal: AbortSignal): Promise<void> {
  const tool = findTool(ofDebian ? "buildah" : undefined);
  say(`Building with ${tool.name} ${tool.version}.`);
  const commands = startCommands(FOLDER, signal);
  const commit = commitOf();
  try {
    const source: Source = ofDebian
      ? await ofThisMachine(tool, commands, commit)
      : { context: repositoryFile(""), arguments: pinned(readBases()) };
    for (const [target, { tag }] of Object.entries(IMAGES)) {
      const labels = labelsOf(commit);
      const order = { file: DOCKERFILE, target, tag, labels, epoch: commit.epoch, ...source };
      await commands.step(`Image ${target}`, buildCommand(tool, order));
    }
  } finally {
    rmSync(PARTS, { recursive: true, force: true });
  }
  say();
  for (const name of Object.keys(IMAGES) as ImageName[]) await report(name, tool, commands);
}

/** Makes a base of Debian's packages, and has the rest from this machine. */
async function ofThisMachine(tool: Tool, commands: Commands, { epoch }: Commit): Promise<Source> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Failure(
      `--debian makes images for linux x64 of what this machine has, and this is ${process.platform} ${process.arch}: build without it`,
    );
  }
  const base = join(FOLDER, "base");
  try {
    mkdirSync(base, { recursive: true });
    await commands.step(
      `Base of Debian's packages (${RELEASE})`,
      debianCommand(join(base, "base.tar"), epoch),
    );
    const file = join(import.meta.dirname, "debian.Dockerfile");
    await commands.run(
      buildCommand(tool, { file, context: base, tag: DEBIAN, epoch, isLocal: true }),
    );
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  const bundle = [repositoryFile("infra/launch.js"), repositoryFile("infra/bundle/main.ts")];
  await commands.step("Bundles", [process.execPath, ...bundle]);
  assembleParts(PARTS);
  return { context: PARTS, contexts: { parts: PARTS }, arguments: { DEBIAN }, isLocal: true };
}

/**
 * As `debian:bookworm-slim` is made: without documentation, and without what merges `/bin` into
 * `/usr` in an older system, since it comes with 50 MB of Perl.
 */
function debianCommand(tar: string, epoch: number): string[] {
  const without = ["doc", "info", "locale", "man"].map(
    (folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`,
  );
  const preferences = '"$1/etc/apt/preferences.d/usrmerge"';
  const never = "Package: usrmerge\\nPin: release *\\nPin-Priority: -1\\n";
  return [
    ...["env", `SOURCE_DATE_EPOCH=${epoch}`, "mmdebstrap", "--variant=apt", ...without],
    ...["--dpkgopt=path-include=/usr/share/doc/*/copyright", "--dpkgopt=force-unsafe-io"],
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    `--setup-hook=printf '${never}' >${preferences}`,
    `--customize-hook=rm ${preferences}`,
    ...[RELEASE, tar],
  ];
}

interface Commit {
  revision: string;
  epoch: number;
}

/** The commit that is built, marked if it is not all that is. */
function commitOf(): Commit {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "safe.directory=*", "-C", repositoryFile(""), ...args], {
      encoding: "utf8",
    }).trim();
  try {
    const isChanged = git("status", "--porcelain") !== "";
    if (isChanged) say("This checkout has changes: the images' revision is marked -changed.");
    return {
      revision: `${git("rev-parse", "HEAD")}${isChanged ? "-changed" : ""}`,
      epoch: Number(git("log", "-1", "--format=%ct")),
    };
  } catch (cause) {
    throw new Failure("images are built of a checkout, whose commit git tells; it does not", {
      cause,
    });
  }
}

/** @see https://github.com/opencontainers/image-spec/blob/main/annotations.md */
function labelsOf({ revision, epoch }: Commit): Record<string, string> {
  const { version } = JSON.parse(readFileSync(repositoryFile("package.json"), "utf8"));
  return {
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.revision": revision,
    "org.opencontainers.image.created": new Date(epoch * 1000).toISOString(),
  };
}

/** Says how large an image is, and puts the list of what is in it beside it. */
async function report(name: ImageName, tool: Tool, { run }: Commands): Promise<void> {
  const { tag, maxBytes } = IMAGES[name];
  const script = `du -sbx / | cut -f1; cat ${PACKAGES}`;
  const { make, run: inside, remove } = insideCommands(tool, tag, ["sh", "-c", script]);
  let said: string;
  try {
    if (make) await run(make);
    said = await run(inside);
  } finally {
    if (remove) await run(remove);
  }
  const end = said.indexOf("\n");
  const bytes = Number(said.slice(0, end));
  const list = join(FOLDER, `${name}.cdx.json`);
  writeFileSync(list, said.slice(end + 1));
  const packages = JSON.parse(said.slice(end + 1)).components.length;
  const size = `${(bytes / 1e6).toFixed(0)} MB of ${maxBytes / 1e6} allowed`;
  say(`${tag}  ${size}, ${packages} packages: ${relative(process.cwd(), list)}`);
  if (bytes > maxBytes) throw new Failure(`${tag} is larger than it may be`);
}
