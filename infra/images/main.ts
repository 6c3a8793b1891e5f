import { parseArgs } from "node:util";
import { Failure } from "../../cli/failure.ts";
import { complain, say } from "../../cli/terminal.ts";
import { Interrupted, interruption } from "../local/interruption.ts";
import { pinBases } from "./bases.ts";
import { buildImages, IMAGES } from "./build.ts";
import { assembleParts } from "./parts.ts";

const HELP = `npm run images [-- OPTION]

Builds the two images that a deployment needs, ${IMAGES.functions.tag} and
${IMAGES.runner.tag}, with Docker, or with buildah if no Docker answers. What is in each
is written to dist/images/NAME.cdx.json (CycloneDX), and stands in the image as well.

  (no option)    of the bases that infra/images/bases.json pins to their digests
  --pin          writes there what digests the bases' tags have now; needs their registry
  --debian       without a registry: makes a base here of Debian's packages, and has Node, Claude Code and
                 the bundles from this checkout; needs root, buildah and mmdebstrap, on linux x64
  --parts DIR    what the Dockerfile calls: puts what the images have beside Debian's packages into DIR,
                 of what npm run bundle made
  --help         this text

The command ends with 1 if an image is larger than it may be (${Object.values(IMAGES)
  .map(({ maxBytes }) => `${maxBytes / 1e6} MB`)
  .join(", ")}). npm run test:images
runs them.`;

const OPTIONS = {
  pin: { type: "boolean" },
  debian: { type: "boolean", default: false },
  parts: { type: "string" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  const { pin, debian, parts, help } = values;
  if (help) return say(HELP);
  if (parts !== undefined) return assembleParts(parts);
  if (pin) return (await pinBases()).forEach((line) => void say(line));
  await buildImages(debian, interruption());
}

main().catch((error: unknown) => {
  if (error instanceof Interrupted) {
    complain("Stopped: no image was changed after the last one that is named above.");
    process.exitCode = 130;
    return;
  }
  process.exitCode = error instanceof Failure ? error.exitCode : 1;
  complain(error instanceof Error ? error.message : String(error));
});
