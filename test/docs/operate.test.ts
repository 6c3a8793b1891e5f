import { readFileSync } from "node:fs";
import { join } from "node:path";
import { costLines } from "../../infra/deploy/costs.ts";
import { namesOf } from "../../infra/deploy/names.ts";
import { readSettings } from "../../infra/deploy/settings.ts";
import { ALERTS } from "../../infra/deploy/tables/alerts.ts";
import { DEPLOYED } from "../support/deployment.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/operate.md"), "utf8");

test("docs/operate.md has every alert, and the cost of a deployment as it is printed", () => {
  const rows = [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, first = ""]) => first);
  expect(ALERTS.map(({ name }) => name).filter((name) => !rows.includes(name))).toEqual([]);
  const { image, runnerImage } = DEPLOYED;
  const settings = readSettings(undefined, {}, { project: "my-project", image, runnerImage });
  expect(text).toContain(`\`\`\`\n${costLines(settings).join("\n")}\n\`\`\``);
});

test("docs/operate.md names services and buckets as the stack does", () => {
  const names = namesOf(DEPLOYED);
  const services = [
    ...text.matchAll(/`?(runyard-(?:api|submit|record|deliver|keep|sweep)[a-z-]*)/g),
  ].map(([, name]) => name);
  const known = (
    ["api", "submitBuild", "recordBuildStatus", "deliver", "keepDeadLetter", "sweep"] as const
  ).map((name) => names.service(name).split("/").at(-1));
  expect([...new Set(services)].sort()).toEqual(known.sort());
  expect(text).toContain(names.dataBucket);
});
