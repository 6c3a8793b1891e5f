import { createClient } from "runyard";

const { RUNYARD_URL = "http://127.0.0.1:8080/v1", RUNYARD_KEY = "" } = process.env;
const [prompt = "Create hello.txt and explain it"] = process.argv.slice(2);

const client = createClient({ url: RUNYARD_URL, key: RUNYARD_KEY });
const { id } = await client.runs.create({ prompt, labels: { from: "example" } });
console.log(`run ${id}`);

for await (const { event } of client.follow(id)) {
  if (event.type === "text") console.log(`  ${event.text}`);
  else if (event.type === "tool") console.log(`  ${event.tool} ${event.input}`);
}

const run = await client.runs.get(id);
console.log(`${run.status}: ${run.why}`);
for (const file of run.output?.changedFiles ?? []) console.log(`  ${file.status} ${file.path}`);
