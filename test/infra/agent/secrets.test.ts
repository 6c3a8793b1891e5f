import { hiding } from "../../../infra/agent/secrets.ts";

test.each<[string, string, string]>([
  ["plain", "tok-123", "x tok-123 y tok-123"],
  ["with a line end around it", "tok-123\n", "x tok-123 y tok-123"],
  ["in an address", "a b/c?d", "x a%20b%2Fc%3Fd y a b/c?d"],
  ["in JSON", 'a"b\\c', `x ${JSON.stringify('a"b\\c').slice(1, -1)} y a"b\\c`],
  [
    "in JSON in JSON",
    'a"bc',
    `x ${JSON.stringify(JSON.stringify('a"bc').slice(1, -1)).slice(1, -1)} y a"bc`,
  ],
  ["longer than another one in it", "tok-123-long", "x tok-123-long y tok-123"],
])("a secret is hidden %s", (_name, secret, text) => {
  expect(hiding([secret, "tok-123"]).text(text)).toBe("x *** y ***");
});

test("of a secret of several lines each line is hidden", () => {
  const key = "-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nab\n-----END KEY-----\n";
  const { text } = hiding([key]);
  expect(text(`1: MIIEvQIBADANBg\n2: ab`)).toBe("1: ***\n2: ab");
  expect(text(key.trim())).toBe("***");
});

test("what is empty or too short to be a secret hides nothing", () => {
  expect(hiding(["", "1", "dev", "\n"]).text("1 dev 1")).toBe("1 dev 1");
});

test("a line without a secret stays as it is, byte for byte", () => {
  const line = '{ "type":"assistant",  "x": "\\u00e9" }';
  expect(hiding(["s3cr3t"]).line(line)).toBe(line);
});

test("a line with a secret stays one that is understood, even if the secret is one of its own words", () => {
  const { line } = hiding(["assistant", "tool_use", "Bash", 'quo"te']);
  const event = {
    type: "assistant",
    message: {
      id: "m",
      content: [
        { type: "text", text: 'The assistant says quo"te' },
        {
          type: "tool_use",
          id: "t",
          name: "Bash",
          input: { name: "assistant", command: "Bash -c x", list: ['quo"te'] },
        },
      ],
    },
    tool_use_result: { type: "Bash" },
  };
  expect(JSON.parse(line(JSON.stringify(event)))).toEqual({
    type: "assistant",
    message: {
      id: "m",
      content: [
        { type: "text", text: "The *** says ***" },
        {
          type: "tool_use",
          id: "t",
          name: "Bash",
          input: { name: "***", command: "*** -c x", list: ["***"] },
        },
      ],
    },
    tool_use_result: { type: "***" },
  });
});

test("a line that is no JSON, or nested too deep to be looked through, is hidden as text", () => {
  const { line } = hiding(["s3cr3t"]);
  expect(line("{oops s3cr3t")).toBe("{oops ***");
  const deep = `${"[".repeat(100_000)}"s3cr3t"${"]".repeat(100_000)}`;
  expect(line(deep)).not.toContain("s3cr3t");
});
