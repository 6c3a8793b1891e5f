import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { committed, type Files, git, startCloneWorld } from "./patch-world.ts";

const TEXT = "one\ntwo $Id$\nthree\nfour\nfive\n";
const utf16 = (text: string) =>
  Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);

/** Attributes, and a form of a text that a work tree may have under them. */
const ATTRIBUTES: [attributes: string, encode: (text: string) => string | Buffer][] = [
  ["text", (text) => text],
  ["text", (text) => text.replaceAll("\n", "\r\n")],
  ["-text", (text) => text.replaceAll("\n", "\r\n")],
  ["text=auto", (text) => text],
  ["text=auto", (text) => text.replaceAll("\n", "\r\n")],
  ["text=auto eol=crlf", (text) => text],
  ["text eol=crlf", (text) => text.replaceAll("\n", "\r\n")],
  ["eol=crlf", (text) => text],
  ["eol=lf", (text) => text.replaceAll("\n", "\r\n")],
  ["crlf", (text) => text],
  ["crlf=input", (text) => text.replaceAll("\n", "\r\n")],
  ["-crlf", (text) => text.replaceAll("\n", "\r\n")],
  ["ident", (text) => text],
  ["ident eol=crlf", (text) => text],
  ["working-tree-encoding=UTF-16", utf16],
  ["text working-tree-encoding=UTF-16LE", (text) => Buffer.from(text, "utf16le")],
  [
    "text working-tree-encoding=UTF-16LE-BOM eol=crlf",
    (text) => utf16(text.replaceAll("\n", "\r\n")),
  ],
  ["text working-tree-encoding=ISO-8859-1", (text) => Buffer.from(`${text}é\n`, "latin1")],
  ["working-tree-encoding=UTF-16 ident eol=crlf", (text) => utf16(text.replaceAll("\n", "\r\n"))],
  ["filter=lfs -text", (text) => text],
  ["filter=unknown ident", (text) => text],
  ["diff=cpp", (text) => text],
  ["-diff", (text) => text],
  ["binary", (text) => text],
  ["merge=union", (text) => text],
  ["-merge", (text) => text],
  ["conflict-marker-size=20", (text) => text],
  ["whitespace=trailing-space,cr-at-eol,tab-in-indent", (text) => `\t ${text} `],
  ["-whitespace", (text) => `\t ${text} `],
  ["export-ignore", (text) => text],
  ["export-subst", (text) => `$Format:%H$\n${text}`],
  ["-delta", (text) => text],
  ["encoding=latin1", (text) => text],
  ["mine=value", (text) => text],
  ["own", (text) => text],
];

const MACRO = "[attr]own text eol=crlf ident\n";

/** The files of one kind of attributes, in a folder of their own. */
function filesUnder(
  attributes: string,
  encode: (text: string) => string | Buffer,
  at: string,
): Files {
  const isEncoded = attributes.includes("encoding=UTF");
  return {
    [`${at}/.gitattributes`]: `*.x ${attributes}\n`,
    [`${at}/changed.x`]: encode(TEXT),
    [`${at}/sub/gone.x`]: encode(TEXT),
    [`${at}/same.x`]: encode(TEXT),
    [`${at}/binary.x`]: isEncoded ? encode("b") : Buffer.from([0, 13, 10, 255, 13, 10]),
  };
}

test("under every attribute a patch applies to a fresh clone, and the next turn has the same bytes", async () => {
  const folders = ATTRIBUTES.map((_, i) => `${i}`.padStart(2, "0"));
  const files = ATTRIBUTES.map(([attributes, encode], i) =>
    filesUnder(attributes, encode, folders[i] ?? ""),
  );
  await using world = await startCloneWorld(
    Object.assign({ ".gitattributes": MACRO }, ...files) as Files,
  );
  for (const [i, [, encode]] of ATTRIBUTES.entries()) {
    const at = (name: string) => world.at(folders[i] ?? "", name);
    const changed = readFileSync(at("changed.x"));
    // The same letter in each encoding.
    changed[changed.indexOf("w".charCodeAt(0))] = "W".charCodeAt(0);
    writeFileSync(at("changed.x"), changed);
    writeFileSync(at("added.x"), encode(`new\n${TEXT}`));
    writeFileSync(at("copied.x"), readFileSync(at("same.x")));
    writeFileSync(
      at("binary.x"),
      Buffer.concat([readFileSync(at("binary.x")), Buffer.from([10, 0])]),
    );
    rmSync(at("sub/gone.x"));
  }
  await world.write();
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(committed(fresh)).toBe(committed(world.workspace));
  const next = world.clone("next");
  await world.restore(next);
  for (const name of readdirSync(world.workspace, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".x")) continue;
    expect([name, readFileSync(join(next, name))]).toEqual([name, readFileSync(world.at(name))]);
  }
});

const NEVER_NORMALIZED: [attributes: string, content: string][] = [
  ["text eol=crlf", "a\r\nb\r\nc\r\n"],
  ["text=auto", "a\r\nb\r\nc\r\n"],
  ["eol=lf", "a\r\nb\nc\r\n"],
  ["ident", "a\n$Id: not of git $\nc\n"],
  ["working-tree-encoding=UTF-16", "plain\n"],
];

test("a patch applies to what was never normalized, since its attributes came after it", async () => {
  const files = NEVER_NORMALIZED.map(([, content], i) => [`a.${i}`, content] as const);
  await using world = await startCloneWorld(Object.fromEntries(files));
  const origin = join(world.root, "origin");
  const rules = NEVER_NORMALIZED.map(([attributes], i) => `*.${i} ${attributes}\n`);
  writeFileSync(join(origin, ".gitattributes"), rules.join(""));
  git(origin, "add", ".gitattributes");
  git(origin, "commit", "-q", "-m", "attributes");
  await using later = await startLater(origin);
  for (const [name] of files) {
    writeFileSync(later.at(name), `${readFileSync(later.at(name), "latin1")}d\r\n`, "latin1");
  }
  await later.write();
  const fresh = later.clone("fresh");
  later.apply(fresh);
  for (const [name] of files) {
    expect([name, readFileSync(join(fresh, name)).includes("d")]).toEqual([name, true]);
  }
});

/** A world on the commits that a folder has. */
async function startLater(origin: string) {
  const world = await startCloneWorld({ unused: "" });
  git(join(world.root, "origin"), "fetch", "-q", origin);
  git(join(world.root, "origin"), "reset", "-q", "--hard", "FETCH_HEAD");
  rmSync(world.workspace, { recursive: true });
  rmSync(join(world.root, "git"), { recursive: true });
  return world.again();
}

test("attributes that the agent changes count for what it leaves, not for what it found", async () => {
  await using world = await startCloneWorld({
    ".gitattributes": "*.x eol=crlf\n",
    "a.x": "1\r\n2\r\n",
    "sub/b.x": "1\r\n",
  });
  writeFileSync(world.at(".gitattributes"), "*.x -text\n*.y ident\n");
  writeFileSync(world.at("a.x"), "1\r\n2\r\n3\r\n");
  writeFileSync(world.at("c.y"), "$Id: mine $\n");
  await world.write();
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(committed(fresh).split("\n").length).toBe(committed(world.workspace).split("\n").length);
});

test("a change that git does not see in its form is said to be none, and the next turn has it", async () => {
  await using world = await startCloneWorld({
    ".gitattributes": "*.x eol=crlf\n",
    "a.x": "1\n2\n",
  });
  expect(readFileSync(world.at("a.x"), "utf8")).toBe("1\r\n2\r\n");
  writeFileSync(world.at("a.x"), "1\n2\n");
  const { files, notes } = await world.write();
  expect(files).toEqual([]);
  expect(notes).toEqual([
    "1 changed file is the same once git has given it its line ends, encoding and $Id$.",
  ]);
  const next = world.clone("next");
  await world.restore(next);
  expect(readFileSync(join(next, "a.x"), "utf8")).toBe("1\n2\n");
});

test("no filter of the workspace's configuration runs", async () => {
  await using world = await startCloneWorld({ ".gitattributes": "* filter=evil\n", a: "1\n" });
  const ran = join(world.root, "ran");
  git(world.workspace, "config", "filter.evil.clean", `touch ${ran}`);
  git(world.workspace, "config", "filter.evil.required", "true");
  writeFileSync(world.at("a"), "2\n");
  const { files } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["a"]);
  expect(readdirSync(world.root)).not.toContain("ran");
});
