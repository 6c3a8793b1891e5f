import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Run } from "../../../client/types.ts";
import { Icon } from "../../parts/icon.tsx";
import { api, endedSession, faultOf } from "../../session.ts";
import { bytesText } from "../../words/amounts.ts";
import { shown } from "../../words/shown.ts";
import { saveContent } from "../save.ts";

type Artifact = Run["artifacts"][number];

/**
 * Of a text the beginning is shown; of an image nothing, if it is larger than an image of a page
 * is.
 */
const MOST_TEXT = 20_000;
const MOST_IMAGE = 3_000_000;

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const TEXTS = /^(text\/|application\/(json|x-ndjson|xml|yaml|javascript)\b)/;

type Kind = "text" | "image" | "page";

/** How an artifact can be looked at; null: it can only be downloaded. */
function kindOf({ contentType, sizeBytes }: Artifact): Kind | null {
  const type = contentType.split(";")[0] ?? "";
  if (type === "text/html" && sizeBytes <= MOST_IMAGE) return "page";
  if (IMAGES.includes(type)) return sizeBytes <= MOST_IMAGE ? "image" : null;
  return TEXTS.test(type) && sizeBytes > 0 ? "text" : null;
}

type Preview =
  | { text: string; isCut: boolean }
  | { image: string }
  | { page: string }
  | { fault: string };

async function load(run: string, { name, sizeBytes }: Artifact, kind: Kind): Promise<Preview> {
  try {
    const range = kind === "text" && sizeBytes > MOST_TEXT ? `bytes=0-${MOST_TEXT - 1}` : undefined;
    const answer = await api().runs.artifact(run, name, { ...(range && { range }) });
    if (kind === "image") return { image: await dataUrl(await answer.blob()) };
    if (kind === "page") return { page: await dataUrl(await answer.blob()) };
    const text = (await answer.text()).slice(0, MOST_TEXT);
    return { text, isCut: sizeBytes > MOST_TEXT };
  } catch (error) {
    return endedSession(error) ? { fault: "" } : { fault: faultOf(error) };
  }
}

/** The page's policy lets images and pages be shown that are written out. */
function dataUrl(content: Blob): Promise<string> {
  const reader = new FileReader();
  return new Promise((resolve, reject) => {
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("it cannot be read", { cause: reader.error }));
    reader.readAsDataURL(content);
  });
}

/** What a run left: what it was to keep, and then what the runner wrote. */
export function Artifacts({ run: { id, artifacts } }: { run: Run }) {
  // The run's document has as many as there is room for.
  const all = useSignal(artifacts);
  useEffect(() => {
    api()
      .runs.artifacts(id)
      .then((list) => {
        all.value = list;
      }, endedSession);
  }, [id]);
  const isKept = ({ name }: Artifact) => name.startsWith(KEPT);
  const kept = all.value.filter(isKept);
  return (
    <>
      <ul class="artifacts" aria-label="Artifacts">
        {[...kept, ...all.value.filter((one) => !isKept(one))].map((artifact) => (
          <ArtifactView key={artifact.name} run={id} artifact={artifact} />
        ))}
      </ul>
      <p>
        <button
          type="button"
          class="button plain"
          onClick={() => void saveAll(id, kept.length > 0)}
        >
          <Icon name="load" /> Download all
        </button>
      </p>
    </>
  );
}

const KEPT = "files/";

const saveAll = (id: string, hasKept: boolean) =>
  saveContent(() => api().runs.artifactsTar(id, hasKept ? { prefix: KEPT } : {}), `${id}.tar`);

function ArtifactView({ run, artifact }: { run: string; artifact: Artifact }) {
  const { name, sizeBytes, contentType } = artifact;
  const kind = kindOf(artifact);
  const isOpen = useSignal(false);
  const preview = useSignal<Preview | null>(null);
  const toggle = async () => {
    isOpen.value = !isOpen.value;
    if (kind !== null) preview.value ??= await load(run, artifact, kind);
  };
  return (
    <li>
      <div class="artifact">
        {kind === null ? (
          <span class="cut grow">{shown(name)}</span>
        ) : (
          <button
            type="button"
            class="plain-link cut grow"
            aria-expanded={isOpen.value}
            onClick={() => void toggle()}
          >
            <Icon name={isOpen.value ? "down" : "right"} tone="ink3" /> {shown(name)}
          </button>
        )}
        <span class="small ink3 cut kind">{shown(contentType)}</span>
        <span class="small num">{bytesText(sizeBytes)}</span>
        <button
          type="button"
          class="button plain low"
          aria-label={`Download ${shown(name)}`}
          onClick={() => void saveContent(() => api().runs.artifact(run, name), name)}
        >
          <Icon name="load" />
        </button>
      </div>
      {isOpen.value && preview.value !== null && (
        <PreviewView preview={preview.value} name={shown(name)} />
      )}
    </li>
  );
}

function PreviewView({ preview, name }: { preview: Preview; name: string }) {
  if ("fault" in preview) return <p class="note bad">{preview.fault}</p>;
  if ("image" in preview) return <img class="preview" src={preview.image} alt={name} />;
  // Of an origin of its own, and by the page's policy without scripts, styles and requests.
  if ("page" in preview)
    return <iframe class="preview page" sandbox="" src={preview.page} title={name} />;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <pre class="more log" tabIndex={0}>
        {shown(preview.text)}
      </pre>
      {preview.isCut && <p class="note">Only its beginning is shown: download it.</p>}
    </>
  );
}
