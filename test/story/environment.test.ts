import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../../shared/documents/run.ts";
import { eventually } from "../support/eventually.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;
const SECRET = "t0ken-of-the-story";
const version = (id: string) => `projects/runyard-local/secrets/${id}/versions/latest`;

test(
  "a secret of the state directory reaches the agent and its setup commands, and nobody who reads the run",
  async () => {
    await using world = await startWorld();
    const secrets = { "runyard-token": SECRET };
    writeFileSync(join(world.directory, "secrets.json"), JSON.stringify(secrets), { mode: 0o600 });
    await world.restart();
    const settings = {
      environment: { API_TOKEN: { secret: version("runyard-token") } },
      setupCommands: ["printf '%s' \"$API_TOKEN\" | wc -c > length.txt"],
    };
    const prompt = 'run: cat length.txt; echo "it is $API_TOKEN"';
    const json = { prompt, agent: { settings } };
    const accepted = (await (await world.call("/runs", { json })).json()) as Run;
    const run = await eventually(async () => {
      const now = (await (await world.call(`/runs/${accepted.id}`)).json()) as Run;
      expect(now.done).toBe(true);
      return now;
    }, 60);
    expect(run).toMatchObject({ status: "succeeded", error: null });
    expect(run.output?.text).toContain(`${SECRET.length}\nit is ***`);
    expect(run.artifacts.map(({ name }) => name)).toContain("setup.log");
    const bucket = world.storage.bucket("runyard-local");
    const [files] = await bucket.getFiles();
    const told = files.filter(({ name }) =>
      /(log-.*\.txt|setup\.log|events\.jsonl|result\.json|manifest\.json)$/.test(name),
    );
    expect(told).toHaveLength(5);
    for (const file of told) {
      expect((await file.download()).toString()).not.toContain(SECRET);
    }
    expect(JSON.stringify(run)).not.toContain(SECRET);
    expect(world.log.join("\n")).not.toContain(SECRET);
  },
  TIMEOUT_MS,
);

test(
  "a secret that is added while the server runs is there for the next run; the example of the documents works",
  async () => {
    await using world = await startWorld();
    const paper = readFileSync("docs/configuration.md", "utf8");
    const [, settings = ""] = /```json\n(\{ "environment": .*\})\n```/.exec(paper) ?? [];
    const [, secrets = ""] = /```json\n(\{ "runyard-token": .*\})\n```/.exec(paper) ?? [];
    const json = {
      prompt: 'run: printf %s "$TOKEN" | wc -c',
      agent: { settings: JSON.parse(settings) },
    };
    const send = () => world.call("/runs", { json });
    const refused = await send();
    const file = join(world.directory, "secrets.json");
    const [fault] = ((await refused.json()) as { errors: { pointer: string; detail: string }[] })
      .errors;
    expect([refused.status, fault?.pointer]).toEqual([
      422,
      "/agent/settings/environment/TOKEN/secret",
    ]);
    expect(fault?.detail).toBe(
      `is not there: add {"runyard-token": "its value"} to ${file} (chmod 600)`,
    );
    writeFileSync(file, secrets, { mode: 0o644 });
    const open = await send();
    expect(open.status).toBe(422);
    expect(await open.text()).toContain(`chmod 600 ${file}`);
    chmodSync(file, 0o600);
    const run = await ended(world, (await (await send()).json()) as Run);
    expect(run).toMatchObject({ status: "succeeded", attempt: 1 });
    expect(run.output?.text).toContain("9");
    // A run without secrets does not care what has become of the file.
    writeFileSync(file, "no JSON");
    const plain = { json: { prompt: "echo" } };
    const other = (await (await world.call("/runs", plain)).json()) as Run;
    expect((await ended(world, other)).status).toBe("succeeded");
  },
  TIMEOUT_MS,
);

const ended = (world: World, { id }: Run): Promise<Run> =>
  eventually(async () => {
    const now = (await (await world.call(`/runs/${id}`)).json()) as Run;
    expect(now.done).toBe(true);
    return now;
  }, 60);
