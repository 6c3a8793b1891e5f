/** Another resource's output, in an argument. */
export interface Reference {
  ref: string;
  output: string;
}

/** An argument as Pulumi's provider of Google Cloud names it. */
export type Argument =
  | string
  | number
  | boolean
  | Reference
  | readonly Argument[]
  | { readonly [name: string]: Argument };

/**
 * One resource of the stack: data, so that it can be shown, compared and tested without an engine.
 */
export interface Resource {
  /** Unique in the stack. */
  name: string;
  /** Module and class of `@pulumi/gcp`, as `pubsub.Topic`. */
  type: string;
  args: { readonly [name: string]: Argument };
  /** Names of the resources that must be there before. */
  after?: readonly string[];
  /** Holds what cannot be made again: `destroy` leaves it unless it is told otherwise. */
  isData?: boolean;
}
