import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COUNTED, costLines } from "../../infra/deploy/costs.ts";
import { FUNCTIONS, namesOf } from "../../infra/deploy/names.ts";
import { readSettings } from "../../infra/deploy/settings.ts";
import { ALERTS } from "../../infra/deploy/tables/alerts.ts";
import { PUSHES } from "../../shared/names.ts";
import { DEPLOYED } from "../support/deployment.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/operate.md"), "utf8");

test("docs/operate.md has every alert, and the cost of a deployment as it is printed", () => {
  const rows = [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, first = ""]) => first);
  expect(ALERTS.map(({ name }) => name).filter((name) => !rows.includes(name))).toEqual([]);
  const { image, runnerImage } = DEPLOYED;
  const settings = readSettings(undefined, {}, { project: "my-project", image, runnerImage });
  expect(text).toContain(`\`\`\`\n${costLines(settings).join("\n")}\n\`\`\``);
  const measured = readFileSync(join(import.meta.dirname, "../../docs/performance.md"), "utf8");
  const counted = [...measured.matchAll(/^\| a million .*without processors \| \$(.*) \|$/gm)];
  expect(counted.map(([, usd]) => Number(usd))).toEqual(Object.values(COUNTED));
});

test("whatever waits too long in a subscription is told, of each", () => {
  const filters = ALERTS.map(({ filter }) => filter).filter((filter) =>
    filter.includes("oldest_unacked_message_age"),
  );
  const watched = filters.flatMap((filter) =>
    [...(filter.split("subscription_id = ")[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, id]) => id),
  );
  expect(watched.sort()).toEqual(PUSHES.map(({ subscription }) => subscription).sort());
});

test("docs/operate.md names services and buckets as the stack does", () => {
  const names = namesOf(DEPLOYED);
  const services = [
    ...text.matchAll(/`?(runyard-(?:api|submit|record|deliver|receive|keep|sweep)[a-z-]*)/g),
  ].map(([, name]) => name);
  const known = FUNCTIONS.map((name) => names.service(name).split("/").at(-1));
  expect([...new Set(services)].sort()).toEqual(known.sort());
  expect(text).toContain(names.dataBucket);
});
