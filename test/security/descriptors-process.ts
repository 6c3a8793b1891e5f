// Starts a sandbox as the runner does, and prints every open descriptor in it: `/proc/ID/fd/N ->
// target`.
import { outcomeOf, startSandboxWorld } from "../support/sandbox.ts";

await using world = await startSandboxWorld();
const { stdout } = await outcomeOf(
  world.inside(
    'for fd in /proc/[0-9]*/fd/*; do echo "$fd"; readlink "$fd"; done 2>/dev/null; ls -l /proc/[0-9]*/fd/',
  ),
);
process.stdout.write(stdout);
