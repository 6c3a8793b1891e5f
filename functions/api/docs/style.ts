/**
 * The page's style sheet: one column with a menu over it on a phone, the menu beside it where there
 * is room.
 */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #56616f; --paper: #fff; --shade: #f3f5f8;
  --line: #d9dfe7; --link: #0b5cad; --get: #0f6b3c; --post: #8a4b00; --delete: #a3202f; --other: #5b3aa8; --bar: 3.5rem }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dde4ec; --dim: #9aa7b6; --paper: #12171e; --shade: #1b222c; --line: #303a47;
    --link: #79b8ff; --get: #63d297; --post: #f0b35c; --delete: #ff8b96; --other: #bda4ff } }
* { box-sizing: border-box }
[hidden] { display: none !important }
html { scroll-padding-top: calc(var(--bar) + 0.5rem) }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif }
a { color: var(--link) }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
button, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 0.35rem; padding: 0.3rem 0.6rem; min-height: 2.25rem }
button { cursor: pointer }
button:hover { background: var(--shade) }
.bar { position: sticky; top: 0; z-index: 1; display: flex; gap: 0.75rem; align-items: center; min-height: var(--bar);
  padding: 0.5rem 1rem; background: var(--paper); border-bottom: 1px solid var(--line) }
.bar .name { font-weight: 700; white-space: nowrap }
.search { flex: 1; display: flex; gap: 0.75rem; align-items: center; min-width: 0 }
.search input { width: 100%; max-width: 26rem; min-width: 6rem }
#found { color: var(--dim); font-size: 0.85em }
#menu { inset: var(--bar) auto 0 0; width: min(20rem, 88vw); height: auto; max-height: none; margin: 0; padding: 1rem;
  overflow-y: auto; color: inherit; background: var(--paper); border: 0; border-right: 1px solid var(--line) }
#menu::backdrop { background: #0006 }
#menu ul { list-style: none; margin: 0 0 0.5rem; padding: 0 }
#menu li a { display: block; padding: 0.3rem 0; text-decoration: none; line-height: 1.3 }
#menu h2 { margin: 0.5rem 0 0.25rem; font-size: 1rem }
main { padding: 1rem; max-width: 60rem; min-width: 0; overflow-wrap: anywhere }
h1 { margin: 0 0 0.5rem; font-size: 1.6rem }
h2 { margin: 2rem 0 0.25rem; font-size: 1.35rem }
h4 { margin: 1rem 0 0.25rem; font-size: 0.95rem }
p { margin: 0.35rem 0 }
.tools { display: flex; gap: 0.5rem; margin: 1rem 0 0 }
details.operation, details.schema { margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 0.5rem }
details.operation > summary, details.schema > summary { padding: 0.55rem 0.9rem; border-radius: 0.5rem;
  scroll-margin-top: calc(var(--bar) + 0.5rem) }
details.operation > summary:hover, details.schema > summary:hover { background: var(--shade) }
details.operation[open] > summary, details.schema[open] > summary { border-bottom: 1px solid var(--line);
  border-radius: 0.5rem 0.5rem 0 0 }
.inside { padding: 0.25rem 1rem 1rem }
summary { cursor: pointer }
summary h3 { display: inline; margin: 0; font-size: 1rem }
.route { display: block; margin-left: 1.05rem; color: var(--dim); font: 0.875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
.method { font-weight: 700; text-transform: uppercase; color: var(--other) }
.method.get { color: var(--get) } .method.post { color: var(--post) } .method.delete { color: var(--delete) }
.type, .note { color: var(--dim); font-size: 0.9em }
dl { margin: 0.25rem 0 }
dt { margin-top: 0.5rem }
dd { margin: 0 0 0 0.25rem; padding-left: 0.75rem; border-left: 1px solid var(--line) }
dd:empty { display: none }
.example { position: relative }
pre { margin: 0.5rem 0; padding: 0.75rem 5rem 0.75rem 0.75rem; overflow-x: auto; background: var(--shade); border-radius: 0.35rem;
  white-space: pre-wrap; overflow-wrap: anywhere }
.copy { position: absolute; top: 0.35rem; right: 0.35rem; padding: 0.1rem 0.5rem; min-height: 2rem; font-size: 0.85em }
.inside summary { margin-top: 0.75rem; font-weight: 600 }
.skip { position: absolute; left: -100rem }
.skip:focus { position: static }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 19rem minmax(0, 1fr); grid-template-rows: auto 1fr }
  .bar { grid-column: 1 / -1 }
  .bar .name { width: 17rem }
  .menu-button { display: none }
  #menu { display: block; position: sticky; inset: auto; top: var(--bar); width: auto; height: calc(100vh - var(--bar)) }
  main { padding: 1.5rem 2rem }
}
@media (max-width: 30rem) { .bar .name { display: none } }
@media print { .bar, #menu, .tools, .copy { display: none !important } }
`;
