/** Bounds of the deliveries of what runs changed; durations in seconds. */
export const DELIVERY = {
  /** The first pause after a host did not take one, doubled with each further, */
  minPause: 30,
  /** … and the longest, unless the host asks for a longer one. */
  maxPause: 3600,
  /** How long after the end of its run one is tried. */
  patience: 24 * 3600,
  /** The longest that one call of the host's API takes. */
  call: 15,
  /** The longest that one answer of a host takes to which is pushed. */
  pushCall: 60,
  /** Bytes of a repository's refs, */
  refsBytes: 16 * 1024 ** 2,
  /** … of the pack that has the folders of its commit, */
  packBytes: 32 * 1024 ** 2,
  /** … and of what that is once it is unpacked. */
  unpackedBytes: 96 * 1024 ** 2,
  /** UTF-8 bytes of what the run's document says of it. */
  whyBytes: 500,
} as const;

/**
 * How often the pull request of a run that was delivered is looked at where its host tells nothing
 * of it, in seconds.
 */
export const PULL_REQUEST_LOOKS = {
  /** From the delivery to the first look, doubled with each further, */
  firstPause: 3600,
  /** … up to this. */
  maxPause: 24 * 3600,
  /** The least where the host does not answer. */
  minPause: 60,
  /** How long after the delivery, or after it was opened again. */
  patience: 30 * 24 * 3600,
} as const;
