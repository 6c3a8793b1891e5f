import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { startCommand } from "../../support/command.ts";

const RUN = "run_2MApo7WXve5lCHoJCSaJKN";

/** A server that gives one answer after the other. */
async function serverOf(...answers: RequestListener[]) {
  const server = createServer((request, response) => {
    if (request.url === "/v1/health") response.end('{"status":"ok"}');
    else answers.shift()?.(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    left: () => answers.length,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const answer =
  (status: number, text: string, isWhole = true): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "text/plain" });
    response.write(text, () => (isWhole ? response.end() : response.destroy()));
  };

const SAID = [
  "The server does not answer; still trying. Ctrl-C stops this.\n",
  "The server is back.\n",
];

test("a log that is followed goes on after a lost connection with what was not printed", async () => {
  const log = "one\ntwö\nthree\n";
  const bytes = Buffer.from(log);
  await using server = await serverOf(
    answer(200, "one\n", false),
    answer(503, "Not now."),
    // The connection ends before what is known already is over.
    answer(200, "on", false),
    (_request, response) => {
      response.write(bytes.subarray(0, 7), () => response.destroy());
    },
    answer(200, log),
  );
  const command = startCommand(["logs", "-f", RUN, "--url", server.url], { RUNYARD_KEY: "ry_x" });
  expect(await command.exitCode).toBe(0);
  const printed = SAID.reduce((text, line) => text.replaceAll(line, ""), command.output());
  expect(printed).toBe(log);
  expect(command.output()).toContain(SAID[0]);
  expect(server.left()).toBe(0);
}, 60_000);

test("a log that is refused from the beginning is not asked for again", async () => {
  const refusal = '{"code":"not_found","detail":"there is no such run"}';
  await using server = await serverOf(answer(404, refusal), answer(200, "late"));
  const command = startCommand(["logs", "-f", RUN, "--url", server.url], { RUNYARD_KEY: "ry_x" });
  expect(await command.exitCode).toBe(3);
  expect(command.output()).not.toContain("late");
}, 60_000);

test("a server that takes connections and does not answer is told while a request waits for it", async () => {
  const silent = createTcpServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const at = ["--url", `http://127.0.0.1:${port}/v1`];
  for (const words of [["run", "x"], ["list"]]) {
    const command = startCommand([...words, ...at], { RUNYARD_KEY: "ry_x" });
    await command.prints(/^The server does not answer; still trying\. Ctrl-C stops this\.$/m);
    command.signal("SIGINT");
    expect(await command.exitCode).not.toBe(0);
  }
  silent.close();
}, 60_000);
