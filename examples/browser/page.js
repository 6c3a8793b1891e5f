import { createClient, ProblemError } from "runyard";

const form = document.querySelector("form");
const output = document.querySelector("output");
const say = (line) => output.append(`${line}\n`);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { url, key, prompt } = Object.fromEntries(new FormData(form));
  try {
    await follow(createClient({ url, key }), prompt);
  } catch (error) {
    say(error instanceof ProblemError ? error.detail : `The server cannot be reached: ${error}`);
  }
});

async function follow(client, prompt) {
  const { id } = await client.runs.create({ prompt, labels: { from: "browser" } });
  say(`run ${id}`);
  for await (const { event } of client.follow(id)) {
    if (event.type === "text") say(event.text);
    else if (event.type === "tool") say(`${event.tool} ${event.input}`);
  }
  const run = await client.runs.get(id);
  say(`${run.status}: ${run.why}`);
}
