import type { IncomingHttpHeaders } from "node:http";

/** Headers of git's requests that say how, not what, … */
export const REQUEST_HEADERS: Readonly<Record<string, RegExp>> = {
  accept: /^[\w*/+., =;-]{1,200}$/,
  "accept-encoding": /^[\w*., =;-]{1,100}$/,
  "content-encoding": /^gzip$/,
  "content-length": /^\d{1,15}$/,
  "content-type": /^application\/x-git-upload-pack-request$/,
  "git-protocol": /^version=[0-2]$/,
  "user-agent": /^git\/[\w.() -]{1,100}$/,
};
/** … and of the answers to them. */
export const ANSWER_HEADERS: Readonly<Record<string, RegExp>> = {
  "content-encoding": /^(gzip|deflate)$/,
  "content-type": /^[\w/+.=; -]{1,200}$/,
};

/** The headers that a table names, of the form that it says. */
export const kept = (
  headers: IncomingHttpHeaders,
  form: Readonly<Record<string, RegExp>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(form).flatMap(([name, pattern]) => {
      const value = headers[name];
      return typeof value === "string" && pattern.test(value) ? [[name, value]] : [];
    }),
  );
