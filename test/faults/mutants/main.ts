import { parseArgs } from "node:util";
import { judgeAll, lineOf } from "./judge.ts";
import { MUTANTS } from "./mutants.ts";

const HELP = `Takes one guard after the other away and plays the proofs: each must fail without it.

  npm run faults:mutants -- [--only TEXT] [--seconds N]

  --only TEXT    those whose name has the text
  --seconds N    of work in which the proofs may look for what is missing (default 120)`;

const OPTIONS = {
  only: { type: "string", default: "" },
  seconds: { type: "string", default: "120" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return true;
  }
  const chosen = MUTANTS.filter(({ name }) => name.includes(values.only));
  const seconds = Number(values.seconds);
  const judged = await judgeAll(chosen, seconds, (one) => {
    process.stdout.write(`${lineOf(one)}\n`);
  });
  const alive = judged.filter(({ killed }) => killed === undefined);
  process.stdout.write(`${judged.length - alive.length} of ${judged.length} mutants killed\n`);
  return alive.length === 0;
}

process.exitCode = (await main()) ? 0 : 1;
