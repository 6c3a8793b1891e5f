import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Programs } from "../../infra/local/programs.ts";

/** Which of two revisions a program is started from. */
type Which = "before" | "present";

/** The programs of two revisions as those of one. */
export interface BothRevisions {
  programs: Programs;
  /**
   * From which revision each function, and the `runner`, is started from now on; what runs goes on
   * as it is. Functions that the revision before does not have are of the present one, always.
   */
  start(targets: readonly string[], which: Which): void;
}

const HOST = fileURLToPath(new URL("../../infra/local/functions-host/", import.meta.url));

/** Chooses at each start, as a deployment in its middle does. All begin with the revision before. */
export function bothRevisions(
  folder: string,
  { before, present }: { before: Programs; present: Programs },
): BothRevisions {
  const chosen = join(folder, "chosen.json");
  const choose = (all: Record<string, Which>) => writeFileSync(chosen, JSON.stringify(all));
  const old = ["api", "submitBuild", "recordBuildStatus", "sweep", "keepDeadLetter", "runner"];
  choose(Object.fromEntries(old.map((name) => [name, "before"])));
  const starter = join(folder, "start.mjs");
  const paths = JSON.stringify({ before: pathsOf(before), present: pathsOf(present) });
  writeFileSync(
    starter,
    `import { readFileSync } from "node:fs";
const target = process.env.FUNCTION_TARGET ?? "runner";
const which = JSON.parse(readFileSync(${JSON.stringify(chosen)}, "utf8"))[target] ?? "present";
const { functions, source, runner } = ${paths}[which];
if (target !== "runner") {
  await import(${JSON.stringify(`file://${HOST}exit-with-parent.js`)});
  process.argv.push("--target=" + target, "--source=" + source);
  console.log("revision " + which);
}
await import(target === "runner" ? runner : functions);
`,
  );
  const entrypoint = [process.execPath, "--disable-warning=ExperimentalWarning", starter];
  return {
    programs: {
      functions: { ...present.functions, entrypoint },
      runner: entrypoint,
      compiled: present.compiled,
    },
    start(targets, which) {
      const all = JSON.parse(readFileSync(chosen, "utf8")) as Record<string, Which>;
      choose({ ...all, ...Object.fromEntries(targets.map((target) => [target, which])) });
    },
  };
}

const pathsOf = ({ functions, runner }: Programs) => ({
  functions: functions.program,
  source: functions.source,
  runner,
});
