import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import { endedSession, faultOf } from "../session.ts";

/** Something that is loaded, and loaded again; what is known stays if that fails. */
export interface Loaded<T> {
  known: ReadonlySignal<T | null>;
  fault: ReadonlySignal<{ why: string; isMissing: boolean } | null>;
  load(): Promise<void>;
}

/** @param id whose it is: another one is loaded anew */
export function useLoaded<T>(get: (signal: AbortSignal) => Promise<T>, id: string): Loaded<T> {
  const loaded = useMemo(() => newLoaded(get), [id]);
  useEffect(() => {
    void loaded.load();
    return loaded.stop;
  }, [loaded]);
  return loaded;
}

function newLoaded<T>(get: (signal: AbortSignal) => Promise<T>) {
  const known = signal<T | null>(null);
  const fault = signal<{ why: string; isMissing: boolean } | null>(null);
  const stopping = new AbortController();
  return {
    known,
    fault,
    stop: () => stopping.abort(),
    async load() {
      try {
        known.value = await get(stopping.signal);
        fault.value = null;
      } catch (error) {
        if (stopping.signal.aborted || endedSession(error)) return;
        const isMissing = error instanceof ProblemError && error.status === 404;
        fault.value = { why: faultOf(error), isMissing };
      }
    },
  };
}

const STEP = 50;

interface ListOptions {
  pageSize: number;
  signal: AbortSignal;
}

/** The newest of a list, and more of them as somebody asks. */
export interface Listed<T> extends Loaded<T[]> {
  hasMore: ReadonlySignal<boolean>;
  more(): void;
}

export function useListed<T>(
  list: (options: ListOptions) => AsyncIterable<T>,
  of: string,
): Listed<T> {
  const wanted = useMemo(() => ({ most: STEP, hasMore: signal(false) }), [of]);
  const loaded = useLoaded(async (stop) => {
    const { most } = wanted;
    const found: T[] = [];
    for await (const one of list({ pageSize: STEP, signal: stop })) {
      found.push(one);
      if (found.length > most) break;
    }
    wanted.hasMore.value = found.length > most;
    return found.slice(0, most);
  }, of);
  const more = () => {
    wanted.most += STEP;
    void loaded.load();
  };
  return { ...loaded, hasMore: wanted.hasMore, more };
}
