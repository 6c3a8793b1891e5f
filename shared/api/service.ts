import { Type } from "../schema/type.ts";
import type { Operation } from "./operation.ts";

const DOCUMENT_REQUEST = { "If-None-Match": "An ETag; 304 if that is what there is." } as const;
const DOCUMENT_HEADERS = { ETag: "Changes with the content." } as const;
const PAGE_HEADERS = {
  ...DOCUMENT_HEADERS,
  "Content-Security-Policy": "The page's own script and style, and nothing from elsewhere.",
  "Referrer-Policy": "no-referrer",
} as const;

const OWN_PAGE_HEADERS = {
  "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"],
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
} as const;
const ASSET_HEADERS = {
  "Content-Encoding": "gzip, for whoever takes that.",
  Vary: "Accept-Encoding",
} as const;

export const SERVICE_OPERATIONS = [
  {
    id: "getPage",
    method: "get",
    path: "/",
    tag: "Service",
    summary: "The page on which people see their runs; whoever opens it signs in there",
    access: "public",
    answers: {
      200: { description: "The page.", contentType: "text/html", headers: OWN_PAGE_HEADERS },
    },
    problems: ["not_found"],
  },
  {
    id: "getPageAsset",
    method: "get",
    path: "/assets/{name}",
    tag: "Service",
    summary: "Get what the page loads: each name has its content's hash in it",
    access: "public",
    answers: {
      200: { description: "The content.", contentType: "*/*", headers: ASSET_HEADERS },
    },
    problems: ["not_found"],
  },
  {
    id: "getHealth",
    method: "get",
    path: "/v1/health",
    tag: "Service",
    summary: "Whether the API answers",
    access: "public",
    answers: {
      200: { description: "It does.", schema: Type.Object({ status: Type.Literal("ok") }) },
    },
  },
  {
    id: "getOpenApi",
    method: "get",
    path: "/v1/openapi.json",
    tag: "Service",
    summary: "Get this document: OpenAPI 3.1",
    access: "public",
    headers: DOCUMENT_REQUEST,
    answers: {
      200: {
        description: "The document.",
        schema: Type.Record(Type.String(), Type.Unknown()),
        headers: DOCUMENT_HEADERS,
      },
      304: { description: "`If-None-Match` names what is there.", headers: DOCUMENT_HEADERS },
    },
  },
  {
    id: "getDocs",
    method: "get",
    path: "/docs",
    tag: "Service",
    summary: "Read this document: a page of HTML",
    access: "public",
    headers: DOCUMENT_REQUEST,
    answers: {
      200: {
        description: "The page.",
        contentType: "text/html",
        headers: PAGE_HEADERS,
      },
      304: {
        description: "`If-None-Match` names what is there.",
        headers: PAGE_HEADERS,
      },
    },
  },
] as const satisfies readonly Operation[];
