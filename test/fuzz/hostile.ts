import fc from "fast-check";

/**
 * Text of a path segment as it stands in a request line: odd escapes, dots, separators, much of it.
 */
export const hostileSegment: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      "%",
      "%zz",
      "%2",
      "%00",
      "%ff",
      "%c0%af",
      "%ed%a0%80",
      "%2f",
      "%2F..%2F",
      "%252e",
      "%5c",
      "%0d%0a",
    ],
    ...[
      ".",
      "..",
      "...",
      ";",
      "a;b=c",
      "*",
      "~",
      "$",
      ":id",
      "{id}",
      "@",
      "!",
      "'",
      "(",
      "[]",
      "|",
      "^",
      "`",
    ],
    ...[
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "null",
      "undefined",
      "-1",
      "0",
      "1e999",
      "NaN",
    ],
    "x".repeat(5000),
    "%20",
    "",
  ),
  fc.string({ unit: "binary", maxLength: 20 }).map(escaped),
  fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.~%&=+:@!$'()*,;"), maxLength: 30 }),
);

/** Percent-encoded, with half a surrogate pair as the bytes that it would be. */
function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/**
 * Value of a header: printable, long, of other alphabets; never a line's end, which is not HTTP.
 */
export const hostileHeader: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      "",
      "*",
      ",",
      ",,,",
      '"',
      '""',
      'W/"',
      "null",
      "undefined",
      "0",
      "-1",
      "1e99",
      "NaN",
      "true",
      ";;",
      "=",
    ],
    ...[
      '"a", "b"',
      "bytes=0-",
      "bytes=-0",
      "bytes=9-1",
      "bytes=0-0,1-1",
      "bytes=99999999999999999999-",
      "bytes",
    ],
    ...[
      "Bearer",
      "Bearer ",
      "Basic YTpi",
      "Bearer a b",
      `Bearer ${"x".repeat(600)}`,
      "bearer \xff",
    ],
    ...[
      "application/json; charset=utf-16",
      "application/vnd.x+json",
      "multipart/form-data",
      "text/*",
    ],
    ...[
      "1-000001",
      "9-999999",
      "0-0",
      "wait",
      "wait=",
      "wait=-1",
      "respond-async",
      'wait="',
      "handling=x",
    ],
    ...["x".repeat(4000), "\t", "é", "\xff\xfe", "%00", "../../etc/passwd"],
  ),
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 60,
  }),
);

const nested = (depth: number, open: string, close: string) =>
  open.repeat(depth) + close.repeat(depth);

/** JSON text of a value that nobody expects. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      "null",
      "true",
      "0",
      "-0",
      "1e308",
      "1e999",
      "-1",
      "0.1",
      "9007199254740993",
      '""',
      "[]",
      "{}",
      "[[]]",
    ],
    ...[
      '"\\u0000"',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\\u202e"',
      '" "',
      '"\u{10ffff}"',
      '"agent_0000000000000000000000"',
    ],
    ...[
      '{"__proto__":{"polluted":1}}',
      '{"constructor":{"prototype":{"x":1}}}',
      '{"toString":1,"hasOwnProperty":2}',
    ],
    ...[
      '{"\\u0000":1}',
      '{"\\ud800":1}',
      '{"":1}',
      '{"a":1,"a":2}',
      '{"length":-1}',
      "[null,null]",
    ],
    ...[
      '{"$ref":"#"}',
      '{"$ref":"http://127.0.0.1:1/"}',
      '{"$id":"x","$ref":"x"}',
      '{"type":"x"}',
      '{"pattern":"("}',
    ],
    ...[
      '{"type":"object","properties":{"a":{"$ref":"#/nope"}}}',
      '{"pattern":"(a+)+$"}',
      '{"minLength":-1}',
    ],
    `"${"x".repeat(70_000)}"`,
    nested(2000, "[", "]"),
    `${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
    `[${"0,".repeat(20_000)}0]`,
    `{${Array.from({ length: 2000 }, (_, i) => `"k${i}":0`).join(",")}}`,
  ),
  fc.json({ maxDepth: 4, stringUnit: "binary" }),
);

/** Bytes of a body that is no JSON, or not UTF-8, or broken off. */
export const brokenBody: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .constantFrom(
      ...[
        "",
        " ",
        "{",
        "}",
        "[1,",
        '{"prompt"',
        '{"prompt":',
        '{"prompt":"a"',
        "nul",
        "'a'",
        "{a:1}",
        "//",
        "\0",
      ],
      ...[
        "\ufeff{}",
        '{"prompt":"a"}{"prompt":"b"}',
        '{"prompt":"a"},',
        "NaN",
        "Infinity",
        "01",
        '"\t"',
        "a=b&c=d",
      ],
      nested(100_000, "[", ""),
      nested(100_000, '{"a":', ""),
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      [0xff],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xf8, 0x88],
      [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
    )
    .map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);
