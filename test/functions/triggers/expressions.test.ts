import type { TriggerExpressions } from "../../../functions/services/expressions.ts";
import { ThreadedExpressions } from "../../../functions/triggers/expressions/expressions.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";

const EVENT: IncomingEvent = {
  id: "17",
  source: "https://github.com/acme/shop",
  type: "com.github.issues.opened",
  subject: "issues/5",
  extensions: { sequence: 3 },
  data: {
    action: "opened",
    issue: { number: 5, title: "Café is closed", labels: [{ name: "bug" }] },
    ["__proto__"]: { polluted: true },
  },
};

/** A slow machine is no overrun: the limits are held by real time here, as they are in production. */
const PATIENT = {
  after: (ms: number, callback: () => void) => systemClock.after(ms * 20, callback),
};
const expressions = new ThreadedExpressions(PATIENT);
const event = expressions.over(EVENT);

const of = (parts: Partial<TriggerExpressions>): TriggerExpressions => ({
  filter: null,
  dedupe: null,
  conversation: null,
  prompt: "Look at {{ event.data.issue.title }}",
  ...parts,
});
const prompt = "Look at Café is closed";
const matched = { matches: true, key: null, conversation: null, prompt };

test.each([
  ["no filter matches", {}, matched],
  [
    "attributes and data",
    { filter: "event.type.endsWith('.opened') && event.data.issue.number > 4" },
    matched,
  ],
  ["an extension", { filter: "event.sequence == 3" }, matched],
  ["a macro", { filter: "event.data.issue.labels.exists(l, l.name == 'bug')" }, matched],
  [
    "a filter that is false",
    { filter: "event.data.action == 'closed'" },
    { matches: false, why: null },
  ],
  [
    "a field that is not there",
    { filter: "event.data.pull.draft == false" },
    { matches: false, why: "the filter: field not found: pull" },
  ],
  [
    "no prototypes",
    { filter: "event.data.constructor.name == 'Object'" },
    { matches: false, why: "the filter: field not found: constructor" },
  ],
  [
    "a filter that is no condition",
    { filter: "event.data.action" },
    { error: "the filter is not true or false" },
  ],
  [
    "a filter that fails",
    { filter: "event.data.action > 1" },
    { error: "the filter fails: found no matching overload for '_>_' applied to '(string, int)'" },
  ],
  [
    "keys",
    {
      dedupe: "event.data.issue.number",
      conversation: "'issue ' + string(event.data.issue.number)",
    },
    { ...matched, key: "5", conversation: "issue 5" },
  ],
  [
    "a key that is not there",
    { dedupe: "event.data.zip" },
    { error: "the key dedupe fails: field not found: zip" },
  ],
  [
    "a key that is none",
    { conversation: "event.data" },
    { error: "the key conversation is not text, a number or a boolean" },
  ],
  [
    "what a template does not find is empty",
    { prompt: "a{{ event.data.zip.zap }}{{ event.data.constructor }}b" },
    { ...matched, prompt: "ab" },
  ],
  ["a blank prompt", { prompt: "{{ event.data.zip }} " }, { error: "the prompt is blank" }],
  [
    "a template that fills the memory",
    { prompt: "{% for i in (1..100000000) %}x{% endfor %}" },
    { error: "the prompt fails: memory alloc limit exceeded, line:1, col:1" },
  ],
] as const)("%s", async (_, parts, evaluation) => {
  expect(await event.evaluate(of(parts))).toEqual(evaluation);
});

test("what is no expression is said before it is stored, with its place", async () => {
  const faults = (parts: Partial<TriggerExpressions>) => expressions.faults(of(parts));
  expect(await faults({ filter: "event.type == 'a'", dedupe: "event.data.zip" })).toEqual([]);
  expect(
    await faults({
      filter: "event.type = 'a'",
      dedupe: "evnt.id",
      conversation: "nope(event)",
      prompt: "{{ event.id | nope }}",
    }),
  ).toEqual([
    { pointer: "/filter", detail: expect.stringContaining("is no CEL expression: at 1:12") },
    { pointer: "/dedupe", detail: expect.stringContaining("unresolved attribute") },
    { pointer: "/conversation", detail: expect.stringContaining("unbound function: nope") },
    { pointer: "/prompt", detail: "is no Liquid template: undefined filter: nope, line:1, col:1" },
  ]);
  expect(await faults({ prompt: "{% include 'package.json' %}" })).toEqual([
    { pointer: "/prompt", detail: expect.stringContaining('tag "include" not found') },
  ]);
});

test("what takes too long is ended alone, and the next has a thread again", async () => {
  const list = `[${Array.from({ length: 60 }, (_, at) => at)}]`;
  const filter = [1, 2, 3, 4, 5].reduce((inner, at) => `${list}.all(x${at}, ${inner})`, "true");
  let patience = 1;
  const timers: Pick<Clock, "after"> = {
    after: (ms, callback) => systemClock.after(ms * patience, callback),
  };
  const slow = new ThreadedExpressions(timers).over(EVENT);
  expect(await slow.evaluate(of({ filter }))).toEqual({
    error: "the filter and the keys took more than 100 ms",
    isOverrun: true,
  });
  patience = 20;
  const both = await Promise.all([slow.evaluate(of({})), slow.evaluate(of({ filter: "false" }))]);
  expect(both).toEqual([matched, { matches: false, why: null }]);
});
