import { parseArgs } from "node:util";
import type { Load } from "./simulate.ts";

/** What is to be simulated, and how it is shown. */
export interface Wish {
  loads: Load[];
  isJson: boolean;
  isHelp: boolean;
}

const OPTIONS = {
  rate: { type: "string" },
  rates: { type: "string" },
  hours: { type: "string", default: "24" },
  runs: { type: "string", default: "1000" },
  slots: { type: "string", default: "50" },
  creates: { type: "string", default: "60" },
  seconds: { type: "string", default: "300" },
  turns: { type: "string", default: "3" },
  seed: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const RATES = "0.1,1,10,100";

/** @throws {Error} that says which option is wrong, and what it must be */
export function readOptions(args: readonly string[]): Wish {
  const { values } = parsed(args);
  if (values.rate !== undefined && values.rates !== undefined) {
    throw new Error("--rate and --rates cannot be given together: --rates takes one or more");
  }
  const [name, text] = values.rate === undefined ? ["rates", values.rates] : ["rate", values.rate];
  const rates = (text ?? RATES).split(",").map((rate) => number(name, rate, [0.001, 1000]));
  const load = {
    hours: number("hours", values.hours, [0.01, 24 * 7]),
    runs: whole("runs", values.runs, [1, 100_000]),
    slots: whole("slots", values.slots, [1, 100_000]),
    createsPerMinute: whole("creates", values.creates, [1, 100_000]),
    seconds: number("seconds", values.seconds, [1, 3600]),
    turns: whole("turns", values.turns, [1, 100]),
    seed: whole("seed", values.seed, [0, 999_999_999]),
  };
  return {
    loads: rates.map((rate) => ({ ...load, rate })),
    isJson: values.json,
    isHelp: values.help,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS });
  } catch (error) {
    throw new Error(`${(error as Error).message}; --help lists the options`, { cause: error });
  }
}

type Bounds = readonly [least: number, most: number];

function number(name: string, text: string, [least, most]: Bounds): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text.trim()) && value >= least && value <= most) return value;
  throw new Error(`--${name} is "${text}", and must be a number from ${least} to ${most}`);
}

function whole(name: string, text: string, [least, most]: Bounds): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} is "${text}", and must be a whole number from ${least} to ${most}`);
}
