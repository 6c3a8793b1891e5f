import type { Delivery, Firing, Trigger, TriggerTest, Webhook } from "../../client/types.ts";
import type { PageStage } from "./page-stage.ts";

const AT = "2026-01-02T03:04:05.000Z";
const FIXED = { schemaVersion: 1, owner: "owner", createdAt: AT, updatedAt: AT } as const;

/** A trigger as the API answers it: by default it has GitHub's issues come to a hook. */
export function pageTrigger(overrides: Partial<Trigger> = {}): Trigger {
  return {
    ...FIXED,
    id: "trg_issues",
    revision: 3,
    name: "new issues",
    source: { kind: "webhook", verify: { scheme: "github" } },
    filter: 'event.data.action == "opened"',
    prompt:
      "Issue {{ event.data.issue.number }} is new.\nIt is in event.json: say what it is about.",
    agent: "agent_fixer",
    labels: { team: "shop" },
    dedupe: null,
    conversation: "event.data.issue.html_url",
    overlap: "queue",
    limits: { runsPerHour: 20, runsPerDay: 500, usdPerDay: 10 },
    today: { runs: 3, usd: 1.2 },
    enabled: true,
    pausedWhy: null,
    dueAt: null,
    hook: { path: "/v1/hooks/trg_issues", previousUntil: null },
    ...overrides,
  };
}

/** What became of an event at that trigger. */
export function pageFiring(overrides: Partial<Firing> = {}): Firing {
  return {
    ...FIXED,
    id: "fir_matched",
    triggerId: "trg_issues",
    revision: 3,
    event: {
      source: "https://github.com/acme/shop",
      id: "17",
      type: "runyard.hook.received.v1",
      subject: "issues/5",
      time: AT,
      object: "0",
    },
    outcome: "matched",
    why: null,
    key: "17",
    runId: "run_done",
    redeliveryOf: null,
    depth: 0,
    duplicates: [],
    expireAt: AT,
    ...overrides,
  };
}

const FIRINGS = [
  pageFiring({ duplicates: [AT] }),
  pageFiring({ id: "fir_2", outcome: "filtered", why: "The filter is false.", runId: null }),
  pageFiring({ id: "fir_3", outcome: "duplicate", why: "Run run_done has it.", runId: null }),
  pageFiring({
    id: "fir_4",
    outcome: "limited",
    why: "20 runs started in this hour.",
    runId: null,
  }),
  pageFiring({ id: "fir_5", outcome: "error", why: "prompt: undefined filter: x", runId: null }),
];

/** What the event of any firing would come to. */
const MATCHED: TriggerTest = {
  outcome: "matched",
  why: null,
  isOfSource: true,
  matches: true,
  key: '["https://github.com/acme/shop","17"]',
  conversation: "https://github.com/acme/shop/issues/5",
  prompt: "Issue 5 is new.\nIt is in event.json: say what it is about.",
  agent: { id: "agent_fixer", version: 3 },
};

/** A webhook as the API answers it. */
export function pageWebhook(overrides: Partial<Webhook> = {}): Webhook {
  return {
    ...FIXED,
    id: "whk_shop",
    revision: 2,
    url: "https://hooks.example.com/runyard",
    events: ["done"],
    format: "standard",
    agent: null,
    labels: { team: "shop" },
    description: "Tells the shop’s own board.",
    headers: ["X-Board"],
    enabled: true,
    disabledWhy: null,
    failingSince: null,
    nextProbeAt: null,
    previousSecretUntil: null,
    ...overrides,
  };
}

/** A delivery at that webhook. */
export function pageDelivery(overrides: Partial<Delivery> = {}): Delivery {
  const attempt = { at: AT, status: 204, error: null, milliseconds: 38, answer: "" };
  return {
    id: "dlv_done",
    webhookId: "whk_shop",
    runId: "run_done",
    event: { id: "run_done-7", type: "runyard.run.succeeded.v1" },
    status: "delivered",
    attempts: 1,
    nextAttemptAt: null,
    body: '{"specversion":"1.0","type":"runyard.run.succeeded.v1","subject":"run_done"}',
    log: [attempt],
    createdAt: AT,
    ...overrides,
  };
}

const REFUSED = {
  at: AT,
  status: 503,
  milliseconds: 1200,
  error: "It answered 503.",
  answer: "busy",
};
const DELIVERIES = [
  pageDelivery({
    id: "dlv_pending",
    status: "pending",
    attempts: 2,
    nextAttemptAt: "2026-01-02T03:34:05.000Z",
    log: [REFUSED, { ...REFUSED, at: "2026-01-02T03:04:10.000Z" }],
  }),
  pageDelivery(),
  pageDelivery({ id: "dlv_failed", status: "failed", attempts: 10, log: [REFUSED] }),
];

/** Has triggers, firings, webhooks and deliveries there. */
export function stageEvents({ answers }: PageStage): void {
  const nightly = {
    id: "trg_nightly",
    name: "nightly",
    source: { kind: "schedule", cron: "0 3 * * *", timeZone: "Europe/Berlin" },
    hook: null,
    dueAt: "2026-01-03T02:00:00.000Z",
  } as const;
  const triggers = [
    pageTrigger(),
    pageTrigger(nightly),
    pageTrigger({ ...nightly, id: "trg_off", name: "weekly", enabled: false, dueAt: null }),
    pageTrigger({
      id: "trg_paused",
      name: "invoices",
      source: { kind: "event", type: "google.cloud.storage.object.v1.finalized" },
      hook: null,
      pausedWhy: "10 errors or failed runs in a row; the last: prompt: undefined filter: x",
    }),
  ];
  answers.set("/triggers", { items: triggers });
  for (const trigger of triggers) {
    const at = `/triggers/${trigger.id}`;
    const isUsed = trigger.id !== "trg_off";
    answers.set(at, trigger);
    answers.set(`${at}/test`, MATCHED);
    answers.set(`${at}/firings`, ({ query }, response) => {
      const items = FIRINGS.filter(({ outcome }) =>
        [outcome, undefined].includes(query["outcome"] as undefined),
      );
      response.json({ items: isUsed ? items : [] });
    });
  }
  const webhooks = [
    pageWebhook(),
    pageWebhook({
      id: "whk_fails",
      url: "https://fails.example.com/",
      failingSince: AT,
      nextProbeAt: "2026-01-02T05:04:05.000Z",
    }),
    pageWebhook({
      id: "whk_off",
      url: "https://off.example.com/",
      enabled: false,
      disabledWhy: "It answered 410: it is gone.",
    }),
  ];
  answers.set("/webhooks", { items: webhooks });
  for (const webhook of webhooks) {
    answers.set(`/webhooks/${webhook.id}`, webhook);
    answers.set(`/webhooks/${webhook.id}/deliveries`, { items: DELIVERIES });
  }
  answers.set("/runs/run_done/deliveries", { items: DELIVERIES });
}
