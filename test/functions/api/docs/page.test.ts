import { createHash } from "node:crypto";
import { Script } from "node:vm";
import { DOCS_POLICY, docsPage } from "../../../../functions/api/docs/page.ts";
import { openApiDocument } from "../../../../shared/api/openapi/document.ts";
import { OPERATIONS } from "../../../../shared/api/operations.ts";

const document = openApiDocument(OPERATIONS, "https://runs.example");
const page = docsPage(document);

describe("the page", () => {
  test("has every operation and every schema under a name that links can lead to", () => {
    const targets = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(targets).size).toBe(targets.length);
    for (const { id } of OPERATIONS) expect(targets).toContain(id);
    for (const name of Object.keys(document.components.schemas)) {
      expect(targets).toContain(`schema-${name}`);
    }
    const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.filter((id) => !targets.includes(id))).toEqual([]);
  });

  test("needs nothing from elsewhere, and its policy allows its own style sheet alone", () => {
    const [own = "", script = ""] = /<script type="module">([\s\S]*?)<\/script>/.exec(page) ?? [];
    expect(page.replace(own, "")).not.toMatch(
      /<(script|img|link|iframe|form)\b| (src|style|on\w+)=/i,
    );
    expect(() => new Script(script)).not.toThrow();
    expect(script).not.toMatch(/\b(eval|Function|innerHTML|fetch|import|document\.write)\b/);
    const scriptHash = createHash("sha256").update(script).digest("base64");
    expect(DOCS_POLICY).toContain(`script-src 'sha256-${scriptHash}';`);
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    expect(DOCS_POLICY).toContain(`style-src 'sha256-${hash}'`);
    expect(DOCS_POLICY).toContain("default-src 'none'");
  });

  test("says of what may be one of several kinds what each is", () => {
    expect(page).not.toMatch(/object or object/);
    expect(page).toContain(
      "string (the id or the name of a stored agent) or <code>{id, version?}</code>",
    );
  });

  test("has every operation and schema folded, and each example where a button can copy it", () => {
    const folded = [...page.matchAll(/<details class="(?:operation|schema)" id="[^"]+">/g)];
    expect(folded).toHaveLength(
      OPERATIONS.length + Object.keys(document.components.schemas).length,
    );
    expect(page).not.toMatch(/<details[^>]* open/);
    expect(page.match(/<div class="example"><pre /g)).toHaveLength(OPERATIONS.length);
  });

  test("shows no regular expression in the place of words", () => {
    expect(page).not.toMatch(/pattern <code>/);
  });

  test("shows how to call an operation, with the server's address", () => {
    expect(page).toContain("curl -X POST &#34;https://runs.example/v1/runs&#34;");
    expect(page).toContain("https://runs.example/v1/agents/$ID/versions/$VERSION");
    expect(page).toContain("Authorization: Bearer $TOKEN");
  });

  test("shows text as text", () => {
    const info = { ...document.info, title: `<script>"x"&'y'` };
    const hostile = docsPage({ ...document, info });
    expect(hostile).toContain("&#60;script&#62;&#34;x&#34;&#38;&#39;y&#39;");
    expect(hostile).not.toContain("<script>");
  });
});
