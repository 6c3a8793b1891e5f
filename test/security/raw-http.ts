import { connect } from "node:net";

/**
 * Sends bytes to a port of this machine and returns what comes back until the connection ends, or
 * until the first answer is there.
 */
export function rawAnswer(port: number, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk;
    if (answer.includes("\r\n\r\n")) socket.end();
  });
  socket.on("close", () => resolve(answer)).on("error", reject);
  socket.write(text);
  return promise;
}

/** The status of an answer; 0: there was none. */
export const statusOf = (answer: string): number =>
  Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

/**
 * Headers, each as a line, that say that a request is for somebody else; `PORT` is the server's.
 */
export const FOREIGN_HEADS: readonly (readonly string[])[] = [
  ["Host: evil.example"],
  ["Host: evil.example:PORT"],
  ["Host: evil@localhost"],
  ["Host: evil@127.0.0.1:PORT"],
  ["Host: localhost/x"],
  ["Host: localhost?x"],
  ["Host: localhost#x"],
  ["Host: localhost\\x"],
  ["Host: localhost:80:80"],
  ["Host: localhost:"],
  ["Host: localhost:x"],
  ["Host: localhost:PORT, evil.example"],
  ["Host: localhost evil.example"],
  ["Host: localhost."],
  ["Host: .localhost"],
  ["Host: localhost.evil.example"],
  ["Host: evil.localhost"],
  ["Host: 127.0.0.1.evil.example"],
  ["Host: 127.1"],
  ["Host: 2130706433"],
  ["Host: 0x7f.0.0.1"],
  ["Host: 0177.0.0.1"],
  ["Host: 127.0.0.1%00"],
  ["Host: %6cocalhost"],
  ["Host: 0.0.0.0:PORT"],
  ["Host: 169.254.169.254"],
  ["Host: ::1"],
  ["Host: [::1"],
  ["Host: [::1]x"],
  ["Host: [::]"],
  ["Host: [::ffff:127.0.0.1]"],
  ["Host: http://localhost"],
  ["Host: "],
  ["Host: localhost:PORT", "Host: evil.example"],
  ["Host: evil.example", "Host: localhost:PORT"],
  ["Host: localhost:PORT", "Host: localhost:PORT"],
  ["Host: evil.example", "X-Forwarded-Host: localhost"],
  ["Host: evil.example", "Forwarded: host=localhost"],
  ["Host: localhost:PORT", "Origin: http://evil.example"],
  ["Host: localhost:PORT", "Origin: https://localhost.evil.example"],
  ["Host: localhost:PORT", "Origin: http://evil@localhost"],
  ["Host: localhost:PORT", "Origin: http://localhost/x"],
  ["Host: localhost:PORT", "Origin: null"],
  ["Host: localhost:PORT", "Origin: file://"],
  ["Host: localhost:PORT", "Origin: chrome-extension://abc"],
  ["Host: localhost:PORT", "Origin: http://localhost", "Origin: http://evil.example"],
];

/** Targets that say where they go beside Host. */
export const FOREIGN_TARGETS = [
  "http://evil.examplePATH",
  "http://localhostPATH",
  "https://localhostPATH",
  "evil.example:80",
  "*",
];

/** What this machine calls itself by. */
export const OWN_HEADS: readonly (readonly string[])[] = [
  ["Host: 127.0.0.1:PORT"],
  ["Host: localhost:PORT"],
  ["Host: LocalHost"],
  ["Host: [::1]:PORT"],
  ["Host: localhost:PORT", "Origin: http://localhost:5173"],
];

/** Statuses of a GET of `path` with each of the heads, then at each of the targets. */
export async function statusesOf(
  port: number,
  path: string,
  { heads = [], targets = [] }: { heads?: typeof OWN_HEADS; targets?: readonly string[] },
): Promise<[string, number][]> {
  const own = OWN_HEADS.slice(0, 1);
  const requests = [
    ...heads.map((head) => ({ head, target: path })),
    ...targets.flatMap((target) => own.map((head) => ({ head, target }))),
  ];
  return Promise.all(
    requests.map(async ({ head, target }) => {
      const lines = [`GET ${target.replace("PATH", path)} HTTP/1.1`, ...head, "Connection: close"];
      const text = `${lines.join("\r\n")}\r\n\r\n`.replaceAll("PORT", String(port));
      return [`${target} ${head.join(" | ")}`, statusOf(await rawAnswer(port, text))] as [
        string,
        number,
      ];
    }),
  );
}
