import type { Run } from "../../shared/documents/run.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";

const STORY_TIMEOUT_MS = 180_000;

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, STORY_TIMEOUT_MS);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => void world.modelRequests.splice(0));

async function send(body: object): Promise<Run> {
  const response = await world.call("/runs", { json: body });
  expect(response.status).toBe(202);
  return (await response.json()) as Run;
}

async function ended(id: string): Promise<Run> {
  return (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
}

describe("a run, from its POST to the listener's last snapshot", () => {
  test(
    "goes through every state, ends with the agent's answer, and leaves its outputs",
    async () => {
      const { id } = await send({ prompt: "Create hello.txt and explain it" });
      const snapshots = await snapshotsUntil(world.firestore, id);
      const statuses = [...new Set(snapshots.map((run) => run.status))];
      expect(statuses.filter((status) => status !== "queued")).toEqual([
        "pending",
        "running",
        "succeeded",
      ]);
      const run = snapshots.at(-1) as Run;
      expect(run.verdict?.outcome).toBe("succeeded");
      expect(run.verdict?.verified).toBeNull();
      expect(run.isolation).toBe("bubblewrap");
      expect(run.output?.text).toMatch(/^\[offline\]/);
      expect(run.output?.changedFiles).toEqual([
        expect.objectContaining({ path: "hello.txt", status: "added", added: 1 }),
      ]);
      const events = await (await world.call(`/runs/${id}/events`)).text();
      expect(events).toContain("hello.txt");
      expect(run.artifacts.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["result.json", "events.jsonl", "patch.diff"]),
      );
      const patch = run.artifacts.find(({ name }) => name === "patch.diff");
      const [, bucket = "", name = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(patch?.uri ?? "") ?? [];
      const [content] = await world.storage.bucket(bucket).file(name).download();
      expect(content.toString()).toContain("+++ b/hello.txt");
      const fetched = await world.call(`/runs/${id}`);
      expect(((await fetched.json()) as Run).status).toBe("succeeded");
    },
    STORY_TIMEOUT_MS,
  );
});

test(
  "a run whose agent says that it is done, and whose checks do not, has failed",
  async () => {
    const unit = { name: "unit", command: "cat hello.txt; echo '1 of 9 failed'; exit 1" };
    const lint = { name: "lint", command: "true", timeoutSeconds: 60, required: false };
    const prompt = "Create hello.txt and explain it";
    const body = (...checks: object[]) => ({ prompt, agent: { settings: { checks } } });
    const refused = await world.call("/runs", { json: body(unit, lint, unit) });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      errors: [
        {
          pointer: "/agent/settings/checks/2/name",
          detail: expect.stringContaining("is the name of another check"),
        },
      ],
    });
    const { id } = await send(body(unit, lint));
    const run = await ended(id);
    expect(run).toMatchObject({
      status: "failed",
      why: "Done, but checks did not pass: unit (exit code 1).",
      verdict: {
        outcome: "checks_failed",
        verified: false,
        checks: [
          {
            ...{ name: "unit", state: "failed", required: true, exitCode: 1 },
            output: expect.stringMatching(/\n1 of 9 failed\n$/),
            editedByAgent: true,
          },
          { name: "lint", state: "passed", required: false, exitCode: 0, editedByAgent: false },
        ],
      },
      error: { code: "checks_failed", remedy: expect.stringContaining("Not passed: unit.") },
    });
    expect(run.output?.changedFiles).toHaveLength(1);
    expect(run.phases.map(({ name }) => name)).toContain("checks");
    const passing = await send(body(lint));
    const { status, verdict } = await ended(passing.id);
    expect([status, verdict?.verified]).toEqual(["succeeded", true]);
    const log = await world.call(`/runs/${id}/artifacts/checks.log`);
    expect(await log.text()).toContain("[check 1 of 2 ended with exit code 1");
  },
  STORY_TIMEOUT_MS,
);

const HOSTILE =
  "$HOME ${PROJECT_ID} $$ $(id) `id` ' \" \\ \r\n\t/compact @/etc/passwd \u{1f469}‍\u{1f4bb} \u202e !id #note";

describe("a hostile prompt", () => {
  test.each([
    ["in its middle", `Say echo. ${HOSTILE}`],
    ["at its start", "/compact\nand then echo"],
    ["as an option", "--dangerously-skip-permissions echo"],
  ])(
    "reaches the model exactly and runs nothing: %s",
    async (_name, prompt) => {
      const { id } = await send({ prompt });
      const run = await ended(id);
      expect(run.status).toBe("succeeded");
      const bodies = world.modelRequests.map(({ body }) => JSON.stringify(body));
      const quoted = JSON.stringify(prompt).slice(1, -1);
      expect(bodies.some((body) => body.includes(quoted))).toBe(true);
      expect(bodies.join("\n")).not.toContain("root:x:0:0");
      expect(bodies.join("\n")).not.toContain("uid=");
      const request = await world.call(`/runs/${id}/request`);
      expect(((await request.json()) as { prompt: string }).prompt).toBe(prompt);
    },
    STORY_TIMEOUT_MS,
  );

  test(
    "of 256 KiB arrives whole",
    async () => {
      const prompt = `echo ${"é$A`".repeat(50_000)}`.slice(0, 180_000);
      const { id } = await send({ prompt });
      expect((await ended(id)).status).toBe("succeeded");
      const texts = JSON.stringify(world.modelRequests.map(({ body }) => body));
      expect(texts.includes(JSON.stringify(prompt).slice(1, -1))).toBe(true);
    },
    STORY_TIMEOUT_MS,
  );
});

describe("cancel in mid-run", () => {
  test(
    "stops the agent, keeps what it left, and the run is cancelled",
    async () => {
      const { id } = await send({ prompt: "wait 120 seconds" });
      await snapshotsUntil(world.firestore, id, (run) =>
        (run.progress?.text ?? "").includes("Bash"),
      );
      const answer = await world.call(`/runs/${id}/cancel`, { method: "POST" });
      expect(answer.status).toBe(202);
      expect(((await answer.json()) as Run).status).toBe("cancelling");
      const run = await ended(id);
      expect(run.status).toBe("cancelled");
      expect(run.artifacts.map(({ name }) => name)).toContain("events.jsonl");
      const again = await world.call(`/runs/${id}/cancel`, { method: "POST" });
      expect(again.status).toBe(202);
    },
    STORY_TIMEOUT_MS,
  );
});

describe("the model's key", () => {
  test(
    "reaches the model's API and nothing else",
    async () => {
      const { id } = await send({
        prompt: "run: env; cat /proc/1/environ /proc/self/environ",
      });
      const run = await ended(id);
      expect(
        world.modelRequests.some(({ headers }) => headers["x-api-key"] === "sk-ant-the-real-key"),
      ).toBe(true);
      const [files] = await world.storage
        .bucket("runyard-local")
        .getFiles({ prefix: `attempts/${id}/` });
      expect(files.length).toBeGreaterThan(4);
      for (const file of files) {
        const [content] = await file.download();
        expect(content.includes("sk-ant-the-real-key")).toBe(false);
      }
      expect(JSON.stringify(run)).not.toContain("sk-ant-the-real-key");
      expect(world.log.join("\n")).not.toContain("sk-ant-the-real-key");
    },
    STORY_TIMEOUT_MS,
  );
});
