import { cut, firstLine, shown } from "../../../page/words/shown.ts";

test("control and direction characters are drawn as signs, and nothing else is changed", () => {
  expect(shown("\u001b[2J\u0000\u007f\u0085")).toBe("␛[2J␀␡⟨85⟩");
  expect(shown("user\u202ename\u2066")).toBe("user⟨RLO⟩name⟨LRI⟩");
  const plain = "<script>alert(1)</script>\n\tgrüße 👩‍💻 العربية";
  expect(shown(plain)).toBe(plain);
});

test("a text's first line stands for it where there is room for one", () => {
  expect(firstLine("\n  Fix it\nand more")).toBe("Fix it");
  expect(firstLine("")).toBe("");
  expect([cut("abcdef", 6), cut("abc defgh", 4)]).toEqual(["abcdef", "abc…"]);
});
