import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A disk of a few megabytes that only the processes of one shell see; needs bubblewrap, and no
 * root.
 */
export interface SmallDisk extends AsyncDisposable {
  /**
   * Where it is mounted, for the shell and what it starts. Elsewhere this is an empty directory.
   */
  path: string;
  /** Runs a shell command in the repository's root and resolves to what it prints. */
  run(command: string): Promise<string>;
  /** Starts a command that stays, and resolves to the first line that it prints. */
  start(command: string): Promise<string>;
  /** Leaves no byte. */
  fill(): Promise<void>;
  /** Takes back what `fill` took. */
  free(): Promise<void>;
}

/** Mounts a disk of `sizeBytes`. It is gone, with every process on it, when it is disposed. */
export function mountSmallDisk(sizeBytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "disk-"));
  const mount = ["--dev-bind", "/", "/", "--size", String(sizeBytes), "--tmpfs", path];
  const shell = spawn(
    "bwrap",
    [...mount, "--unshare-pid", "--proc", "/proc", "--die-with-parent", "sh"],
    {
      cwd: fileURLToPath(new URL("../../", import.meta.url)),
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  let output = "";
  shell.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  /** Cuts everything up to the match off the output, and returns it. */
  async function printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(output);
      if (match) {
        output = output.slice(match.index + match[0].length);
        return match[1] ?? "";
      }
      if (shell.exitCode !== null) throw new Error(`the shell ended: ${output}`);
      await Promise.race([once(shell.stdout, "data"), once(shell, "exit")]);
    }
  }
  const run = (command: string) => {
    shell.stdin.write(`${command}\necho "<done>"\n`);
    return printed(/^([\s\S]*?)<done>\n/);
  };
  return {
    path,
    run,
    start(command) {
      shell.stdin.write(`${command} &\n`);
      return printed(/^(.*)\n/);
    },
    async fill() {
      await run(`cat /dev/zero > ${path}/ballast 2> /dev/null`);
    },
    async free() {
      await run(`rm ${path}/ballast`);
    },
    async [Symbol.asyncDispose]() {
      const ended = shell.exitCode === null ? once(shell, "exit") : undefined;
      shell.kill("SIGKILL");
      await ended;
      rmSync(path, { recursive: true, force: true });
    },
  };
}
