import { spawn } from "node:child_process";
import type { Command } from "commander";
import { type CliContext, remote } from "../session.ts";
import { say } from "../terminal.ts";

/** What opens an address in a browser. */
const OPENERS: Partial<Record<NodeJS.Platform, [string, ...string[]]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  win32: ["explorer.exe"],
};

/** `runyard open`: the server's own page. */
export function addOpen(program: Command, context: CliContext): void {
  const command = program
    .command("open")
    .description(
      "Prints the address of the server's page, and on a terminal opens it in a browser.",
    );
  remote(command, context, async ({ session }) => {
    const page = new URL("/docs", session.connection.url).href;
    say(page);
    if (process.stdout.isTTY) openInBrowser(page);
  });
}

/** Where there is no browser the address that was printed has to do. */
function openInBrowser(page: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? [];
  if (command === undefined) return;
  const child = spawn(command, [...args, page], { detached: true, stdio: "ignore" });
  child.on("error", () => {});
  child.unref();
}
