import { parseArgs } from "node:util";
import { fuzzEvents } from "./events.ts";
import { type Figures, fuzz } from "./fuzz.ts";
import { fuzzProxies } from "./proxies.ts";
import { fuzzWorkspaces } from "./workspaces.ts";

const HELP = `Sends hostile requests to the API, or to the proxies of the sandbox, and fails if one of them breaks
anything or gets through. Or payloads of each source of events to the functions that take them, of which
none may start a run that is not waited for. Or draws workspaces as an agent may leave them, and fails if something of one
is missing in the patch, the run or the next turn and not named.

  npm run test:fuzz -- [--at api|proxies|events|workspaces] [--requests N] [--seed S]

  --at WHERE     api, proxies, events or workspaces (default api)
  --requests N   how many requests, payloads of each source, or workspaces (default 100000, 1000 or 200)
  --seed S       whole number; the same one sends the same requests (default: by the clock)`;

const OPTIONS = {
  at: { type: "string", default: "api" },
  requests: { type: "string" },
  seed: { type: "string" },
  help: { type: "boolean" },
} as const;

const USUAL: Readonly<Record<string, number>> = { events: 1000, workspaces: 200 };

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
  const usual = USUAL[values.at] ?? 100_000;
  const requests = wholeNumber("requests", values.requests ?? String(usual));
  const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000_000));
  process.stdout.write(`seed ${seed}\n`);
  if (values.at === "api") process.stdout.write(`${report(await fuzz({ requests, seed }))}\n`);
  else if (values.at === "proxies") await atProxies({ connections: requests, seed });
  else if (values.at === "workspaces") await atWorkspaces({ workspaces: requests, seed });
  else if (values.at === "events") await atEvents({ requests, seed });
  else throw new Error(`--at is ${values.at}, and must be api, proxies, events or workspaces`);
}

async function atEvents(options: { requests: number; seed: number }): Promise<void> {
  const { payloads, seconds, statuses, runs, putAway, grownBytes } = await fuzzEvents(options);
  const lines = Object.entries(statuses).map(([source, counts]) => {
    const said = Object.entries(counts).map(([status, count]) => `${count} × ${status}`);
    return `${source.padStart(12)}  ${said.join(", ")}`;
  });
  process.stdout.write(
    `${payloads} payloads in ${seconds.toFixed(1)} s\n${lines.join("\n")}\n${runs} runs, each of an event that is waited for; ${putAway} messages put away; memory grew by ${(grownBytes / MEGABYTE).toFixed(0)} MB\n`,
  );
}

async function atWorkspaces(options: { workspaces: number; seed: number }): Promise<void> {
  const { workspaces, seconds, left, omitted } = await fuzzWorkspaces(options);
  process.stdout.write(
    `${workspaces} workspaces in ${seconds.toFixed(1)} s; of ${left} paths ${omitted} are left out and named, and nothing else is missing\n`,
  );
}

async function atProxies(options: { connections: number; seed: number }): Promise<void> {
  const { connections, seconds, forwarded, tunnels, reads } = await fuzzProxies(options);
  process.stdout.write(
    `${connections} connections in ${seconds.toFixed(1)} s; ${forwarded} requests of the proxy's own, ${reads} for the repository and ${tunnels} tunnels to the allowed host, nothing else\n`,
  );
}

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";
await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
