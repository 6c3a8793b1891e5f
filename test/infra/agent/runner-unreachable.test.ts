import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resultOf } from "../../../shared/attempt/result.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import { startWorld } from "./runner-world.ts";

const TIMEOUT_MS = 180_000;

test(
  "a model's API that is not there is told by the address that was set, not by the runner's own",
  async () => {
    await using world = await startWorld();
    const { stdout } = await (
      await world.start("Say hello.", {}, { ANTHROPIC_BASE_URL: "http://127.0.0.1:9" })
    ).ended;
    expect(stdout).toContain("done");
    const manifest = await world.manifest();
    const { facts } = manifest;
    // What Claude Code says of it names the proxy.
    expect(facts.result?.result).toMatch(/127\.0\.0\.1:\d+/);
    expect(resultOf(manifest, (name) => name, null).output?.text).not.toMatch(
      /127\.0\.0\.1:(?!9\b)/,
    );
    const message = "The model's API at http://127.0.0.1:9 takes no connections (ECONNREFUSED).";
    expect(verdict(facts)).toMatchObject({ outcome: "model_unreachable", message });
    const events = world.progress.flatMap(({ body }) => body["events"] ?? []);
    expect(JSON.stringify(events)).toContain(message);
    expect(JSON.stringify(events)).toMatch(/check your inference gateway \(127\.0\.0\.1:9\)/);
    expect(JSON.stringify(world.progress)).not.toMatch(/127\.0\.0\.1:(?!9\b)/);
  },
  TIMEOUT_MS,
);

test(
  "an overloaded API is told by the address that was set, in what people read live as well",
  async () => {
    await using world = await startWorld();
    await (await world.start("fail with 529")).ended;
    const { host } = new URL(world.model.url);
    const { facts } = await world.manifest();
    expect(verdict(facts)).toMatchObject({
      outcome: "model_overloaded",
      message: expect.stringContaining(`(${host})`),
    });
    const told = `${JSON.stringify(world.progress)} ${await world.output("events.jsonl")}`;
    expect(new Set(told.match(/127\.0\.0\.1:\d+/g))).toEqual(new Set([host]));
  },
  TIMEOUT_MS,
);

test(
  "another server at the API's address is told, and what it answers",
  async () => {
    await using world = await startWorld();
    const other = createServer((_, response) => {
      response.writeHead(501, { "content-type": "text/html" }).end("<h1>no</h1>");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    await (await world.start("Say hello.", {}, { ANTHROPIC_BASE_URL: url })).ended;
    other.close();
    other.closeAllConnections();
    const { facts } = await world.manifest();
    expect(verdict(facts)).toMatchObject({
      outcome: "model_unreachable",
      message: `The model's API at ${url} answered 501 with text/html, as the API does not.`,
    });
  },
  TIMEOUT_MS,
);
