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
import { STYLE } from "./style.ts";

/** Allows the page its one style sheet and nothing else: no script, no image, no form, no frame. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
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
${contents(document, placed)}
<main id="main">
<h1>${document.info.title} API</h1>
${document.info.description.split("\n\n").map((part) => html`<p>${prose(part)}</p>`)}
<p>For programs: <a href="/v1/openapi.json">openapi.json</a></p>
${document.tags.map(
  ({ name, description }) => html`<h2 id="tag-${name}">${name}</h2>
<p>${prose(description)}</p>
${placed.filter(({ operation }) => operation.tags.includes(name)).map((one) => operationView(document, one))}`,
)}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components.schemas).map(
  ([name, schema]) =>
    html`<section class="schema" id="schema-${name}"><h3>${name}</h3>${schemaView(schema)}</section>`,
)}
</main>
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

function contents(document: OpenApiDocument, placed: Placed[]): Html {
  const groups = document.tags.map(({ name }) => {
    const links = placed
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ operation: { operationId, summary } }) => item(`#${operationId}`, summary));
    return html`<h2><a href="#tag-${name}">${name}</a></h2><ul>${links}</ul>`;
  });
  const schemas = Object.keys(document.components.schemas).map((name) =>
    item(`#schema-${name}`, name),
  );
  return html`<nav aria-label="Contents"><a class="skip" href="#main">To the text</a>
${groups}<h2><a href="#schemas">Schemas</a></h2><ul>${schemas}</ul></nav>`;
}

const item = (href: string, text: string): Html => html`<li><a href="${href}">${text}</a></li>`;

const ACCESS: Readonly<Record<string, string>> = {
  key: "Needs a key with the scope",
  build: "Needs the token of the run's own build.",
};

function operationView(document: OpenApiDocument, placed: Placed): Html {
  const { method, path, operation } = placed;
  return html`<section class="operation" id="${operation.operationId}">
<h3>${operation.summary}</h3>
<p class="route"><span class="method ${method}">${method}</span> ${path}</p>
<p class="note">${accessOf(operation.security)}</p>
${(["path", "query", "header"] as const).map((place) => parametersView(place, operation.parameters))}
${bodyView(document, operation.requestBody)}
<h4>Answers</h4>
${answersView(document, operation.responses)}
<h4>Example</h4>
<pre tabindex="0"><code>${curlOf(document, placed)}</code></pre>
</section>
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
