/** How bad it is: a fault keeps something from working; a warning may. */
type State = "ok" | "warning" | "fault";

/** What a look came to. */
export interface Look {
  state: State;
  /** What there is, for a person. */
  found: string;
  /** The command that mends it; absent: that of its check. */
  remedy?: string;
}

/** Something to look at: a row of a table. `World` is what all of a table's rows look at. */
export interface Check<World> {
  name: string;
  look(world: World): Look | Look[] | Promise<Look | Look[]>;
  /**
   * The command that mends what its looks have no other for, or what to do where there is no
   * command.
   */
  remedy(world: World): string;
  /** Where it is a fault, the rows after it cannot be looked at. */
  isNeeded?: true;
}

/** A look of a check, as it is shown. */
export interface Finding {
  check: string;
  state: State;
  found: string;
  /** Null: there is nothing to mend. */
  remedy: string | null;
}

/** What cannot be looked at, in words for a person. */
export class Unseen extends Error {
  override readonly name = "Unseen";
  /** Undefined: the check's. */
  readonly remedy: string | undefined;

  constructor(message: string, options: ErrorOptions & { remedy?: string } = {}) {
    super(message, options);
    this.remedy = options.remedy;
  }
}

export const ok = (found: string): Look => ({ state: "ok", found });
export const warning = (found: string, remedy?: string): Look => look("warning", found, remedy);
export const fault = (found: string, remedy?: string): Look => look("fault", found, remedy);

function look(state: State, found: string, remedy: string | undefined): Look {
  return { state, found, ...(remedy !== undefined && { remedy }) };
}

/**
 * Looks at one row after the other, each however the others are, until one is missing that is
 * needed.
 */
export async function* examined<World>(
  checks: readonly Check<World>[],
  world: World,
): AsyncGenerator<Finding> {
  for (const check of checks) {
    const looks = await looksOf(check, world);
    for (const { state, found, remedy = check.remedy(world) } of looks) {
      yield { check: check.name, state, found, remedy: state === "ok" ? null : remedy };
    }
    if (check.isNeeded && looks.some(({ state }) => state === "fault")) return;
  }
}

async function looksOf<World>(check: Check<World>, world: World): Promise<Look[]> {
  try {
    return [await check.look(world)].flat();
  } catch (error) {
    const { message, remedy } = error as Error & { remedy?: string };
    return [fault(message, remedy)];
  }
}
