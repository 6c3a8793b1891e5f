/** The page's style sheet: one column on a phone, all contents beside it where there is room. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5a6675; --paper: #fff; --shade: #f3f5f8;
  --line: #d9dfe7; --link: #0b5cad; --get: #0f6b3c; --post: #8a4b00; --delete: #a3202f; --other: #5b3aa8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dde4ec; --dim: #9aa7b6; --paper: #12171e; --shade: #1b222c; --line: #303a47;
    --link: #79b8ff; --get: #63d297; --post: #f0b35c; --delete: #ff8b96; --other: #bda4ff } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif }
a { color: var(--link) }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
nav, main { padding: 1rem }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; border-bottom: 1px solid var(--line) }
nav ul { display: none; list-style: none; margin: 0 0 0.5rem; padding: 0 }
nav li a { display: block; padding: 0.2rem 0; text-decoration: none }
nav h2 { margin: 0; font-size: 1rem }
main { max-width: 56rem }
h1 { margin: 0 0 0.5rem; font-size: 1.6rem }
h2 { margin: 2.5rem 0 0.25rem; font-size: 1.35rem }
h3 { margin: 0; font-size: 1.05rem }
h4 { margin: 1rem 0 0.25rem; font-size: 0.95rem }
p { margin: 0.35rem 0 }
section.operation, section.schema { margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 0.5rem }
.route { margin: 0.35rem 0; font: 0.95em ui-monospace, monospace; overflow-wrap: anywhere }
.method { font-weight: 700; text-transform: uppercase; color: var(--other) }
.method.get { color: var(--get) } .method.post { color: var(--post) } .method.delete { color: var(--delete) }
.type, .note { color: var(--dim); font-size: 0.9em }
dl { margin: 0.25rem 0 }
dt { margin-top: 0.5rem }
dd { margin: 0 0 0 1rem; padding-left: 0.75rem; border-left: 1px solid var(--line) }
dd:empty { display: none }
pre { margin: 0.5rem 0; padding: 0.75rem; overflow-x: auto; background: var(--shade); border-radius: 0.35rem;
  white-space: pre; overflow-wrap: normal }
summary { cursor: pointer; margin-top: 0.75rem; font-weight: 600 }
.skip { position: absolute; left: -100rem }
.skip:focus { position: static }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 19rem 1fr }
  nav { display: block; position: sticky; top: 0; height: 100vh; overflow-y: auto; border-right: 1px solid var(--line); border-bottom: 0 }
  nav ul { display: block }
  nav h2 { margin: 0.75rem 0 0.25rem }
  main { padding: 1.5rem 2rem }
}
`;
