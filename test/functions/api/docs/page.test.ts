import { createHash } from "node:crypto";
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
    expect(page).not.toMatch(/<(script|img|link|iframe|form)\b| (src|style|on\w+)=/i);
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const hash = createHash("sha256").update(style).digest("base64");
    expect(DOCS_POLICY).toContain(`style-src 'sha256-${hash}'`);
    expect(DOCS_POLICY).toContain("default-src 'none'");
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
