import { createHash } from "node:crypto";
import type {
  OpenApiDocument,
  Parameter,
  Reference,
  ResponseObject,
} from "../../../shared/api/openapi/types.ts";
import { curlOf, type Placed } from "./example.ts";
import { type Html, html, prose, raw } from "./html.ts";
import { field, lastPart, schemaView, typeView } from "./schema.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

const hashOf = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * Allows the page its one style sheet, its one script, and nothing else: no image, no form, no
 * frame.
 */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** An OpenAPI document for people: one page of HTML that needs nothing else. */
export function docsPage(document: OpenApiDocument): string {
  const placed = operationsOf(document);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title} API</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${bar(document)}
${contents(document, placed)}
<main id="main">
<div id="intro">
<h1>${document.info.title} API</h1>
${document.info.description.split("\n\n").map((part) => html`<p>${prose(part)}</p>`)}
<p>For programs: <a href="/v1/openapi.json">openapi.json</a></p>
<p class="tools"><button type="button" data-open="all" hidden>Open all</button>
<button type="button" data-open="none" hidden>Close all</button></p>
</div>
${document.tags.map(
  ({ name, description }) => html`<section class="group"><h2 id="tag-${name}">${name}</h2>
<p>${prose(description)}</p>
${placed.filter(({ operation }) => operation.tags.includes(name)).map((one) => operationView(document, one))}</section>`,
)}
<section class="group"><h2 id="schemas">Schemas</h2>
${Object.entries(document.components.schemas).map(
  ([name, schema]) =>
    html`<details class="schema" id="schema-${name}"><summary><h3>${name}</h3></summary>
<div class="inside">${schemaView(schema)}</div></details>
`,
)}</section>
</main>
<script type="module">${raw(SCRIPT)}</script>
</body>
</html>
`;
  return page.markup;
}

function operationsOf({ paths }: OpenApiDocument): Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}

/** Stays at the top: where one is, the menu where it is not beside the text, and the search. */
function bar({ info }: OpenApiDocument): Html {
  return html`<header class="bar"><a class="skip" href="#main">To the text</a>
<button class="menu-button" type="button" popovertarget="menu">Contents</button>
<span class="name">${info.title} API</span>
<div class="search" role="search" hidden><input id="search" type="search" placeholder="Search (press /)"
 aria-label="Search operations and schemas" autocomplete="off" spellcheck="false"><span id="found" role="status"></span></div>
</header>`;
}

function contents(document: OpenApiDocument, placed: Placed[]): Html {
  const groups = document.tags.map(({ name }) => {
    const links = placed
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ operation: { operationId, summary } }) => item(`#${operationId}`, summary));
    return html`<div class="group"><h2><a href="#tag-${name}">${name}</a></h2><ul>${links}</ul></div>`;
  });
  const schemas = Object.keys(document.components.schemas).map((name) =>
    item(`#schema-${name}`, name),
  );
  return html`<nav id="menu" aria-label="Contents" popover>
${groups}<div class="group"><h2><a href="#schemas">Schemas</a></h2><ul>${schemas}</ul></div></nav>`;
}

const item = (href: string, text: string): Html => html`<li><a href="${href}">${text}</a></li>`;

const ACCESS: Readonly<Record<string, string>> = {
  key: "Needs a key with the scope",
  build: "Needs the token of the run's own build.",
};

function operationView(document: OpenApiDocument, placed: Placed): Html {
  const { method, path, operation } = placed;
  return html`<details class="operation" id="${operation.operationId}">
<summary><h3>${operation.summary}</h3>
<span class="route"><span class="method ${method}">${method}</span> ${path}</span></summary>
<div class="inside">
<h4>Example</h4>
<div class="example"><pre tabindex="0"><code>${curlOf(document, placed)}</code></pre></div>
<p class="note">${accessOf(operation.security)}</p>
${(["path", "query", "header"] as const).map((place) => parametersView(place, operation.parameters))}
${bodyView(document, operation.requestBody)}
<h4>Answers</h4>
${answersView(document, operation.responses)}
</div></details>
`;
}

function accessOf([needed]: Record<string, string[]>[]): Html {
  if (needed === undefined) return html`Needs no key.`;
  const [scheme = "", scopes = []] = Object.entries(needed)[0] ?? [];
  return html`${ACCESS[scheme]}${scopes.map((scope) => html` <code>${scope}</code>.`)}`;
}

const PLACES = { path: "In the path", query: "In the query", header: "Headers" } as const;

function parametersView(place: Parameter["in"], parameters: Parameter[] = []): Html | undefined {
  const here = parameters.filter((parameter) => parameter.in === place);
  if (here.length === 0) return undefined;
  return html`<h4>${PLACES[place]}</h4><dl>${here.map((parameter) => field(parameter))}</dl>`;
}

function bodyView(
  { components }: OpenApiDocument,
  body: Placed["operation"]["requestBody"],
): Html | undefined {
  if (body === undefined) return undefined;
  const contents = Object.entries(body.content).map(
    ([type, { schema = {} }]) =>
      html`<p><code>${type}</code> <span class="type">${typeView(schema)}</span>${!body.required && html` <span class="note">optional</span>`}</p>
${schemaView("$ref" in schema ? (components.schemas[lastPart(schema["$ref"])] ?? {}) : schema)}`,
  );
  return html`<h4>Body</h4>${contents}`;
}

/** What it answers, and, folded, with which codes it refuses. */
function answersView(
  document: OpenApiDocument,
  responses: Record<string, ResponseObject | Reference>,
): Html {
  const all = Object.entries(responses);
  const answers = all.flatMap(([status, one]) => ("$ref" in one ? [] : [answerView(status, one)]));
  const problems = all.flatMap(([status, one]) =>
    "$ref" in one ? [problemView(status, resolved(document, one))] : [],
  );
  return html`<dl>${answers}</dl><details><summary>Refusals</summary><dl>${problems}</dl></details>`;
}

function resolved(document: OpenApiDocument, { $ref }: Reference): ResponseObject | undefined {
  return document.components.responses[lastPart($ref)];
}

function answerView(
  status: string,
  { description, headers = {}, content = {} }: ResponseObject,
): Html {
  const types = Object.entries(content).map(
    ([type, { schema }]) =>
      html`<p><code>${type}</code>${schema && html` <span class="type">${typeView(schema)}</span>`}</p>${schema && !("$ref" in schema) && "properties" in schema && schemaView(schema)}`,
  );
  // Those that every answer has are told of at the top.
  const headerRows = Object.entries(headers).flatMap(([name, header]) =>
    "$ref" in header ? [] : [field({ name, required: true, ...header })],
  );
  return html`<dt><code>${status}</code> ${prose(description)}</dt>
<dd>${types}${headerRows.length > 0 && html`<dl>${headerRows}</dl>`}</dd>`;
}

function problemView(status: string, response: ResponseObject | undefined): Html {
  return html`<dt><code>${status}</code></dt><dd><p>${prose(response?.description ?? "")}</p></dd>`;
}
