import { CommanderError } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { OWN_NAME } from "./own-name.ts";
import { buildProgram } from "./program.ts";
import { complain } from "./terminal.ts";

/**
 * Performs a command line.
 *
 * @returns what the process ends with
 */
async function run(given: readonly string[]): Promise<ExitCode> {
  // Its optional value is said with `=` alone: what follows it is an argument.
  const words = given.map((word, at) =>
    word === "--json" && !given.slice(0, at).includes("--") ? "--json=" : word,
  );
  let code: ExitCode = EXIT.done;
  const finish = (ended: ExitCode) => {
    code = ended;
  };
  try {
    const program = await buildProgram({ env: process.env, words, finish });
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    if (error.code !== "commander.help") complain(usageText(error.message));
    return EXIT.usage;
  }
  if (error instanceof Failure) {
    complain(error.message);
    return error.exitCode;
  }
  const { message, stack } = error as Error;
  complain(stack ?? message);
  return EXIT.failed;
}

function usageText(message: string): string {
  const text = message.replace(/^error: /, "");
  return `${text}\n${OWN_NAME} --help lists the commands; each has a --help of its own.`;
}

// Who asked npm is somewhere else than where npm works.
const { npm_lifecycle_event: script, INIT_CWD: cwd } = process.env;
if (script === "runyard" && cwd !== undefined) process.chdir(cwd);
// Nobody reads any longer what is printed.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.detached);
});
process.stderr.on("error", () => {});
process.exitCode = await run(process.argv.slice(2));
