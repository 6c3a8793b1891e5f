// What the package is imported for. It loads nothing of Node: a browser's bundle can have it.
export type { CallOptions, CreateOptions } from "./calls.ts";
export {
  type AcceptOptions,
  type Client,
  type ClientOptions,
  type ContentOptions,
  createClient,
} from "./client.ts";
export type { FollowOptions } from "./follow.ts";
export { ProblemError } from "./problem-error.ts";
export type { TestOn } from "./triggers.ts";
export type * from "./types.ts";
export type { ListenableFirestore } from "./watch.ts";
