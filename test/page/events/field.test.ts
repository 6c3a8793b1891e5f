import {
  broughtOver,
  contentOf,
  type Field,
  faultsOf,
  fieldAt,
  replacedWhole,
  writtenOf,
} from "../../../page/events/field.ts";
import { mergePatchOf } from "../../../page/settings/difference.ts";
import { NEW_TRIGGER, TRIGGER_FIELDS } from "../../../page/triggers/trigger-fields.ts";
import { WEBHOOK_FIELDS } from "../../../page/webhooks/webhook-fields.ts";
import { CreateWebhook } from "../../../shared/documents/webhook.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { CreateTrigger } from "../../../shared/triggers/trigger.ts";
import { pageTrigger, pageWebhook } from "../../support/page-events.ts";

const hmac = {
  scheme: "hmac",
  header: "X-Signature",
  algorithm: "sha512",
  encoding: "base64",
  prefix: "sha512=",
};
const ALL = {
  name: "all",
  filter: "event.data.n > 1",
  prompt: "Two\n\n  spaces stay. ",
  agent: { settings: { maxTurns: 3 } },
  labels: { team: "the shop" },
  dedupe: "event.id",
  conversation: "event.subject",
  overlap: "skip",
  limits: { runsPerHour: 1, runsPerDay: 2, usdPerDay: 0.5 },
};
const SOURCES = [
  { kind: "schedule", cron: "0 3 * * *", timeZone: "Europe/Berlin", missed: "once" },
  { kind: "webhook", verify: { scheme: "github" } },
  { kind: "webhook", verify: hmac },
  { kind: "event", type: "a.b.v1", source: "//here", subject: "objects/in/" },
  { kind: "run", status: "any", agent: "fixer", labels: { step: "write" } },
];

test.each(SOURCES)(
  "a trigger on $kind is written in fields and read from them unchanged",
  (source) => {
    const trigger = { ...ALL, source };
    const content = contentOf(TRIGGER_FIELDS, writtenOf(TRIGGER_FIELDS, trigger));
    expect(content).toEqual(trigger);
    expect(validatorOf(CreateTrigger)(content)).toMatchObject({ ok: true });
  },
);

test("what another source was asked for is not sent", () => {
  const written = { ...NEW_TRIGGER, "source/cron": "* * * * *", "source/kind": "run", prompt: "a" };
  expect(contentOf(TRIGGER_FIELDS, written)).toEqual({
    source: { kind: "run", status: "succeeded" },
    prompt: "a",
    overlap: "allow",
  });
});

test("a webhook's headers are written to replace and to take away, and never read", () => {
  const webhook = pageWebhook({ events: ["done", "runyard.run.failed.v1"] });
  const written = { ...writtenOf(WEBHOOK_FIELDS, webhook) };
  expect(written["headers"]).toBe("");
  const { headers, ...content } = contentOf(WEBHOOK_FIELDS, {
    ...written,
    headers: "Authorization: Bearer a:b\n\nX-Board:",
  });
  expect(headers).toEqual({ Authorization: "Bearer a:b", "X-Board": null });
  expect(validatorOf(CreateWebhook)(content)).toMatchObject({ ok: true });
});

test.each([
  ["name", "", "This is needed."],
  ["source/cron", " ", "This is needed."],
  ["limits/runsPerHour", "many", "Write a number like 20."],
  ["limits/usdPerDay", "$0", "Write a number like 20."],
  ["labels", "shop", "Write labels as key:value, with a space between two."],
  ["source/header", "", undefined],
])("%s as %j is said to be wrong at its field", (at, text, fault) => {
  const whole = { ...NEW_TRIGGER, name: "a", "source/cron": "* * * * *", prompt: "a" };
  expect(faultsOf(TRIGGER_FIELDS, whole)).toEqual({});
  expect(faultsOf(TRIGGER_FIELDS, { ...whole, [at]: text })[at]).toBe(fault);
});

test("a header without a name is said to be wrong", () => {
  const written = { url: "https://a", format: "standard", headers: "Bearer x" };
  expect(faultsOf(WEBHOOK_FIELDS, written)["headers"]).toBe("Write a header a line: Name: value.");
});

test.each([
  ["/filter", "filter"],
  ["/source/verify/header", "source/verify/header"],
  ["/source", "source/kind"],
  ["/labels/team", "labels"],
  ["/agent/settings/maxTurns", "agent"],
  ["/limits/usdPerDay", "limits/usdPerDay"],
  ["/none", undefined],
  ["", undefined],
])("a fault at %s stands at the field %s", (pointer, at) => {
  expect(fieldAt(TRIGGER_FIELDS, pointer)?.at).toBe(at);
});

test("what somebody else changed stays, but for what was written over it", () => {
  const fields: Field[] = ["a", "b", "c"].map((at) => ({ at, label: at }));
  const before = writtenOf(fields, { a: "1", b: "1", c: "1" });
  const now = writtenOf(fields, { a: "1", b: "2", c: "2" });
  expect(broughtOver({ ...before, a: "mine", c: "mine" }, { before, now })).toEqual({
    a: "mine",
    b: "2",
    c: "mine",
  });
});

test("a change of a source is sent whole, what becomes empty is removed, the rest is left out", () => {
  const trigger = pageTrigger();
  const old = contentOf(TRIGGER_FIELDS, writtenOf(TRIGGER_FIELDS, trigger));
  const source = { kind: "schedule", cron: "0 3 * * *" };
  const { name, filter, prompt, labels, overlap } = trigger;
  const limits = { runsPerHour: 20, runsPerDay: 500 };
  const young = { name, filter, prompt, labels, overlap, source, limits };
  expect({
    ...mergePatchOf(old, young),
    ...replacedWhole(old, young, ["source", "agent"]),
  }).toEqual({ source, agent: null, conversation: null, limits: { usdPerDay: null } });
});
