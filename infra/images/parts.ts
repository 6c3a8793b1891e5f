import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BUNDLES, type LISTED } from "../bundle/build-bundles.ts";

/** What is read of a bill of materials. @see https://cyclonedx.org/docs/1.6/json/ */
interface Bill {
  components: Component[];
  dependencies: { ref: string }[];
}

interface Component {
  type: string;
  name: string;
  group?: string;
  version: string;
  purl: string;
  "bom-ref": string;
}

/** The bundles that are in each image. */
const BUNDLES_OF: Readonly<Record<"functions" | "runner", readonly (typeof LISTED)[number][]>> = {
  functions: ["functions", "page"],
  runner: ["runner"],
};

/**
 * Puts together what the images have beside Debian's packages: the bundles, this process's Node,
 * Claude Code for this machine, and lists of what is in them.
 *
 * @param folder is made anew
 * @throws {Error} if there are no bundles, or no Claude Code
 */
export function assembleParts(folder: string): void {
  if (!existsSync(join(BUNDLES, "compiled"))) {
    throw new Error("there are no bundles: npm run bundle makes them");
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "packages"), { recursive: true });
  for (const part of ["functions", "runner", "compiled"]) {
    cpSync(join(BUNDLES, part), join(folder, part), { recursive: true });
  }
  cpSync(process.execPath, join(folder, "node"));
  const agent = copyAgent(join(folder, "agent"));
  cpSync(join(import.meta.dirname, "list-packages.ts"), join(folder, "list-packages.ts"));
  for (const [image, bundles] of Object.entries(BUNDLES_OF)) {
    const listed = bundles.map((name) => readBill(join(BUNDLES, `packages/${name}.json`)));
    const others = image === "runner" ? [NODE, agent] : [NODE];
    const bill = together(listed, others);
    writeFileSync(join(folder, `packages/${image}.json`), JSON.stringify(bill));
  }
  // One of the images is not root's.
  execFileSync("chmod", ["-R", "a+rX", folder]);
}

const NODE = withReference({
  type: "platform",
  name: "node",
  version: process.versions.node,
  purl: `pkg:generic/node@${process.versions.node}`,
});

function withReference(component: Omit<Component, "bom-ref">): Component {
  return { ...component, "bom-ref": component.purl };
}

/** Copies the packages of Claude Code that are for this machine. @returns what is listed of it */
function copyAgent(folder: string): Component {
  const require = createRequire(import.meta.url);
  const main = dirname(require.resolve("@anthropic-ai/claude-code/package.json"));
  const { version } = JSON.parse(readFileSync(join(main, "package.json"), "utf8"));
  const beside = dirname(main);
  const name = `claude-code-${process.platform}-${process.arch}`;
  if (!existsSync(join(beside, name))) {
    throw new Error(
      `node_modules has no @anthropic-ai/${name}: npm install without --omit=optional`,
    );
  }
  cpSync(join(beside, name), join(folder, name), { recursive: true });
  const purl = `pkg:npm/%40anthropic-ai/${name}@${version}`;
  return withReference({ type: "application", group: "@anthropic-ai", name, version, purl });
}

const readBill = (file: string): Bill => JSON.parse(readFileSync(file, "utf8"));

/** The first list with what the rest have beside it. */
function together([first, ...rest]: Bill[], others: Component[]): Bill {
  if (first === undefined) throw new Error("nothing is listed");
  const components = [...first.components, ...rest.flatMap((bill) => bill.components), ...others];
  const dependencies = [first, ...rest].flatMap((bill) => bill.dependencies);
  return {
    ...first,
    components: [...new Map(components.map((one) => [one["bom-ref"], one])).values()],
    dependencies: [...new Map(dependencies.map((one) => [one.ref, one])).values()],
  };
}
