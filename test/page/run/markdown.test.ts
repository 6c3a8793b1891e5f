import { markdown, type Piece } from "../../../page/run/markdown.ts";

/** What is drawn, as `name(attributes)[inner]`, texts as they are. */
function written(piece: Piece): string {
  if (typeof piece === "string") return piece;
  const given = Object.entries(piece.attributes).map(([name, value]) => `${name}=${value}`);
  const head = given.length > 0 ? `${piece.name}(${given.join(" ")})` : piece.name;
  return `${head}[${piece.inner.map(written).join("")}]`;
}

const drawnOf = (text: string): string => markdown(text).map(written).join("");

test.each([
  ["# Head\n\nwords", "h1[Head]p[words]"],
  ["**a** _b_ ~~c~~ `d`", "p[strong[a] em[b] del[c] code[d]]"],
  ["- one\n- two", "ul[li[one]li[two]]"],
  ["3. three\n4. four", "ol(start=3)[li[three]li[four]]"],
  ["- [x] done\n- [ ] open", "ul[li[☑ done]li[☐ open]]"],
  ["> said", "blockquote[p[said]]"],
  ["```ts\nconst a = '<b>';\n```", "pre[code[const a = '<b>';]]"],
  ["a\n\n---\n\nb", "p[a]hr[]p[b]"],
  [
    "|a|b|\n|-|:-:|\n|1|2|",
    "table[thead[tr[th[a]th(align=center)[b]]]tbody[tr[td[1]td(align=center)[2]]]]",
  ],
  ["R&amp;D &lt;b&gt; &copy; \\*", "p[R&D <b> &copy; *]"],
  ["`&amp;`", "p[code[&amp;]]"],
])("%j is drawn as elements", (text, drawn) => {
  expect(drawnOf(text)).toBe(drawn);
});

test("links lead to the web alone, in a new tab", () => {
  const to = (href: string) => `a(href=${href} target=_blank rel=noreferrer noopener)`;
  expect(drawnOf("[x](https://a.example/b)")).toBe(`p[${to("https://a.example/b")}[x]]`);
  expect(drawnOf("[x](javascript:alert(1)) [y](data:text/html,z) [z](/here)")).toBe("p[x y z]");
  expect(drawnOf("[x](JaVaScRiPt:alert(1)) [y](//a.example)")).toBe("p[x y]");
});

test("HTML and images say nothing, and control characters are shown", () => {
  expect(drawnOf("a <b onclick=x>bold</b> ![alt](https://a.example/i.png)")).toBe("p[a bold ]");
  expect(drawnOf("<script>alert(1)</script>\n\nafter")).toBe("p[after]");
  expect(drawnOf("a\u202eb")).toBe("p[a⟨RLO⟩b]");
});

const depthOf = (piece: Piece): number =>
  typeof piece === "string" ? 0 : 1 + Math.max(0, ...piece.inner.map(depthOf));

test.each([
  ["quotes", `${">".repeat(12_000)} deep`],
  ["lists", Array.from({ length: 120 }, (_, i) => `${"  ".repeat(i)}- x`).join("\n")],
  ["emphasis", `${"*a _b ".repeat(3000)}deep`],
  ["brackets", `${"[".repeat(6000)}deep`],
])("%s without end are drawn so far, and shown as they are from there", (_name, text) => {
  const pieces = markdown(text);
  expect(Math.max(...pieces.map(depthOf))).toBeLessThan(100);
  const letters = text.replaceAll(/[^a-z]/g, "").length;
  expect(pieces.map(written).join("").length).toBeGreaterThan(letters);
});
