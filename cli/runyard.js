#!/usr/bin/env node
// The command `runyard`: its program, with a Node that is new enough. Started by npx it ends when
// that does.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
// A checkout has the source, which is what runs; the package has what was built of it.
const main = [pathOf("./main.ts"), pathOf("../dist/cli/main.js")].find(existsSync);
const byNpm = process.env.npm_command === undefined ? [] : ["--npm"];
process.argv.splice(2, 0, ...byNpm, main);
await import("../infra/launch.js");
