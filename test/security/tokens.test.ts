import { createHash } from "node:crypto";
import { complain, oneLine, say } from "../../cli/terminal.ts";
import { submitBuild } from "../../functions/attempts/submit-build.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import { type ApiServer, startApiServer } from "../support/api-server.ts";
import { attemptOf, submittedRun } from "../support/attempts.ts";
import { shellImage } from "../support/pipeline.ts";

const TOKEN = "the-token-of-this-attempt";
const FAILURES = 12;

/** A run that is queued, with a token that the test knows. */
async function liveRun({ pipeline, firestore }: ApiServer) {
  const { run } = await submittedRun(pipeline);
  const progressTokenHash = createHash("sha256").update(TOKEN).digest("hex");
  await firestore.doc(`runState/${run.id}`).update({ progressTokenHash });
  const { state } = await pipeline.record(run.id);
  return { id: run.id, buildId: state.build?.id ?? "" };
}

const said = (number: number) => ({ number, event: { type: "text", text: `event ${number}` } });

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ images: shellImage("sleep 600") });
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const report = (id: string, json: object, bearer = TOKEN) =>
  server.call(`/v1/runs/${id}/progress`, {
    bearer,
    json: { attempt: 1, text: "working", turn: 1, ...json },
  });

const AHEAD = [
  [RUN_LIMITS.reportedEvents + 1],
  [1_000_000],
  [Number.MAX_SAFE_INTEGER],
  [1e300],
  [1_000_000, 1_000_001],
];

test(`numbers that are far ahead hide nothing that comes later (${AHEAD.length} attempts)`, async () => {
  for (const numbers of AHEAD) {
    const { id, buildId } = await liveRun(server);
    await report(id, { buildId, events: numbers.map(said) });
    const { status } = await report(id, { buildId, events: [said(1)] });
    const { state } = await server.pipeline.record(id);
    expect([numbers, status, state.reported]).toEqual([numbers, 204, 1]);
  }
}, 120_000);

test("a report points no live run at another build, whoever's that is (3 attempts)", async () => {
  const other = await liveRun(server);
  const { id, buildId } = await liveRun(server);
  const before = await server.pipeline.record(id);
  for (const forged of [other.buildId, "00000000-0000-4000-8000-000000000000", `${buildId}0`]) {
    for (const event of [{ text: "" }, { text: "working" }]) {
      const { status } = await report(id, { buildId: forged, ...event });
      expect([forged, [409, 422].includes(status)]).toEqual([forged, true]);
    }
  }
  expect(await server.pipeline.record(id)).toEqual(before);
  expect((await report(id, { buildId })).status).toBe(204);
}, 120_000);

test("before a run knows its build, the claim says which one may report", async () => {
  const { pipeline, firestore } = server;
  const run = await pipeline.accept();
  await submitBuild(pipeline.services, attemptOf(run));
  const { id } = run.run;
  const progressTokenHash = createHash("sha256").update(TOKEN).digest("hex");
  await firestore.doc(`runState/${id}`).update({ progressTokenHash, build: null });
  expect((await report(id, { buildId: "unclaimed" })).status).toBe(409);
}, 120_000);

test(`wrong tokens count as failures of their address (${FAILURES} attempts)`, async () => {
  const env = { RUNYARD_FAILURES_PER_MINUTE: String(FAILURES) };
  await using limited = await startApiServer({ env, images: shellImage("sleep 600") });
  const { id, buildId } = await liveRun(limited);
  const key = await limited.newKey();
  const json = { attempt: 1, buildId, text: "working", turn: 1 };
  const send = (path: string, bearer: string) => limited.call(path, { bearer, json });
  const path = `/v1/runs/${id}/progress`;
  const statuses: number[] = [];
  for (let at = 0; at < FAILURES; at += 1) {
    const bearer = at % 3 === 0 ? key : at % 3 === 1 ? `${TOKEN}${at}` : "a.b.c";
    statuses.push((await send(path, bearer)).status);
  }
  expect(statuses).toEqual(Array(FAILURES).fill(401));
  expect((await send(path, "another")).status).toBe(429);
  expect((await send("/v1/runs", "another")).status).toBe(429);
}, 120_000);

test("a run's token is no key, and no other run's", async () => {
  const { id, buildId } = await liveRun(server);
  const { run } = await submittedRun(server.pipeline);
  for (const path of ["/v1/runs", `/v1/runs/${id}`, `/v1/runs/${id}/cancel`, "/v1/tokens"]) {
    expect((await server.call(path, { bearer: TOKEN, method: "POST" })).status).toBe(
      path === `/v1/runs/${id}` ? 405 : 401,
    );
  }
  expect((await report(run.id, { buildId })).status).toBe(401);
}, 120_000);

/** What an agent, a model or a file's name may say to a terminal. */
const TRICKS = [
  ["an escape", "\u001b[2J\u001b]0;title\u0007"],
  ["C1 controls", "\u009b31m\u009d0;x\u009c"],
  ["a carriage return", "fine\rFAILED"],
  ["a backspace", "ab\b\bcd"],
  ["a right-to-left override", "exe.\u202egnp"],
  ["isolates", "\u2066a\u2067b\u2068c\u2069"],
  ["embeddings and marks", "\u202aa\u202bb\u202cc\u202d\u200e\u200f\u061c"],
  ["zero widths", "a\u200bb\u200cc\u200dd\u2060e\ufeff"],
  ["a soft hyphen and tags", "a\u00ad\u{e0041}\u{e007f}"],
  ["separators of lines", "a\u2028b\u2029c\u0085d"],
  ["private and unassigned characters", "\ue000\u{10ffff}"],
  ["half of a pair", "\ud800"],
  ["blanks that are letters", "\u3164\u115f\u2800"],
] as const;

test(`nothing that was said steers a terminal (${TRICKS.length} attempts)`, () => {
  for (const write of [say, complain]) {
    for (const [name, text] of TRICKS) {
      const shown = written(() => write(text));
      const bad = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]|[\u3164\u115f\u2800]/u;
      expect([name, bad.test(shown)]).toEqual([name, false]);
    }
  }
  for (const name of ["a\n  Remedy    rm -rf ~", "a\r\nb", "a\u2028b", "a\u0085b", "a\vb\fc"]) {
    expect(written(() => say(oneLine(name))).split(/[\n\r\v\f\u0085\u2028\u2029]/)).toHaveLength(2);
  }
  expect(written(() => say("日本 – ü 😀 a\tb\nc"))).toBe("日本 – ü 😀 a\tb\nc\n");
});

/** What `act` writes to this process's outputs. */
function written(act: () => void): string {
  const streams = [process.stdout, process.stderr];
  const before = streams.map((stream) => stream.write);
  let text = "";
  for (const stream of streams) {
    stream.write = ((chunk: string) => {
      text += chunk;
      return true;
    }) as typeof stream.write;
  }
  try {
    act();
  } finally {
    for (const [at, stream] of streams.entries()) stream.write = before[at] as typeof stream.write;
  }
  return text;
}
