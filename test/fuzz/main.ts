import { parseArgs } from "node:util";
import { type Figures, fuzz } from "./fuzz.ts";

const HELP = `Sends hostile requests to the API, and fails if one of them breaks anything.

  npm run test:fuzz -- [--requests N] [--seed S]

  --requests N   how many (default 100000)
  --seed S       whole number; the same one sends the same requests (default: by the clock)`;

const OPTIONS = {
  requests: { type: "string", default: "100000" },
  seed: { type: "string" },
  help: { type: "boolean" },
} as const;

const MEGABYTE = 1024 * 1024;

function report({ requests, statuses, seconds, warmBytes, endBytes, written }: Figures): string {
  const megabytes = (bytes: number) => `${(bytes / MEGABYTE).toFixed(0)} MB`;
  return [
    `${requests} requests in ${seconds.toFixed(1)} s, ${(requests / seconds).toFixed(0)} a second`,
    ...Object.entries(statuses).map(([status, count]) => `${status.padStart(5)} ${count}`),
    `memory of the API: ${megabytes(warmBytes)} once warm, ${megabytes(endBytes)} at the end`,
    `${written} documents written, all by accepted requests`,
  ].join("\n");
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} is ${text}, and must be a whole number`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const requests = wholeNumber("requests", values.requests);
  const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000_000));
  process.stdout.write(`seed ${seed}\n`);
  process.stdout.write(`${report(await fuzz({ requests, seed }))}\n`);
}

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";
await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
