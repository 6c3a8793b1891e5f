import { parseArgs } from "node:util";
import { type Figures, fuzz } from "./fuzz.ts";
import { fuzzProxies } from "./proxies.ts";
import { fuzzWorkspaces } from "./workspaces.ts";

const HELP = `Sends hostile requests to the API, or to the proxies of the sandbox, and fails if one of them breaks
anything or gets through. Or draws workspaces as an agent may leave them, and fails if something of one
is missing in the patch, the run or the next turn and not named.

  npm run test:fuzz -- [--at api|proxies|workspaces] [--requests N] [--seed S]

  --at WHERE     api, proxies or workspaces (default api)
  --requests N   how many requests, or workspaces (default 100000, or 200 workspaces)
  --seed S       whole number; the same one sends the same requests (default: by the clock)`;

const OPTIONS = {
  at: { type: "string", default: "api" },
  requests: { type: "string" },
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
  const usual = values.at === "workspaces" ? "200" : "100000";
  const requests = wholeNumber("requests", values.requests ?? usual);
  const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000_000));
  process.stdout.write(`seed ${seed}\n`);
  if (values.at === "api") process.stdout.write(`${report(await fuzz({ requests, seed }))}\n`);
  else if (values.at === "proxies") await atProxies({ connections: requests, seed });
  else if (values.at === "workspaces") await atWorkspaces({ workspaces: requests, seed });
  else throw new Error(`--at is ${values.at}, and must be api, proxies or workspaces`);
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
