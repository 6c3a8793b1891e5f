import { dirname } from "node:path";
import { quoted, typed } from "../../../cli/typed.ts";
import type { Check } from "../check.ts";
import {
  lookAtClaudeCode,
  lookAtGit,
  lookAtNode,
  lookAtPlatform,
  lookAtSandbox,
} from "./machine.ts";
import {
  type Local,
  lookAtDirectory,
  lookAtKey,
  lookAtPorts,
  lookAtRoom,
  lookAtSecrets,
  lookAtServer,
} from "./place.ts";

const DEBIAN = "sudo apt-get install --yes";

/** What `npm start` needs of a machine, and how its server is. */
export const LOCAL_CHECKS: readonly Check<Local>[] = [
  { name: "node", look: lookAtNode, remedy: () => "npm install, which brings one on Linux" },
  {
    name: "platform",
    look: lookAtPlatform,
    remedy: ({ state }) => typed(["start", "--sandbox", "none"], { state }),
  },
  { name: "git", look: lookAtGit, remedy: () => `${DEBIAN} git` },
  { name: "sandbox", look: lookAtSandbox, remedy: () => `${DEBIAN} bubblewrap` },
  { name: "claude-code", look: lookAtClaudeCode, remedy: () => "npm install --include=optional" },
  {
    name: "room",
    look: lookAtRoom,
    remedy: ({ directory }) => `du -xhd1 ${quoted(dirname(directory))} | sort -h | tail`,
  },
  {
    name: "state",
    look: lookAtDirectory,
    remedy: () => typed(["start"], { state: "DIR" }),
  },
  { name: "secrets", look: lookAtSecrets, remedy: ({ secrets }) => `chmod 600 ${secrets}` },
  { name: "ports", look: lookAtPorts, remedy: ({ state }) => typed(["start"], { state }) },
  { name: "server", look: lookAtServer, remedy: ({ state }) => typed(["start"], { state }) },
  {
    name: "key",
    look: lookAtKey,
    remedy: ({ state }) => typed(["keys", "create"], { state }),
  },
];
