/** How the console's page looks. */
export const style = `
:root { color-scheme: light dark; --ink: #1b2330; --soft: #5b6676; --line: #dde3ea; --paper: #fff; --back: #f5f7fa; --accent: #2563eb; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa5b4; --line: #2c3542; --paper: #171d26; --back: #0f141b; --accent: #6ea0ff; --bad: #ff7b72 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 14px/1.45 system-ui, sans-serif }
header { display: flex; gap: 8px 20px; align-items: baseline; padding: 14px 20px; flex-wrap: wrap }
h1 { font-size: 18px; margin: 0 }
h2 { font-size: 13px; margin: 0 0 8px; color: var(--soft); font-weight: 600 }
nav { display: flex; gap: 6px; flex-wrap: wrap }
button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; cursor: pointer }
button:hover:not(:disabled) { border-color: var(--accent) }
button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); font-weight: 600 }
button:disabled { opacity: .45; cursor: default }
input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 3px 6px; width: 5em }
main { display: grid; gap: 14px; padding: 0 20px 24px; grid-template-columns: repeat(12, minmax(0, 1fr)) }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; grid-column: span 12; min-width: 0 }
@media (min-width: 1000px) { section.half { grid-column: span 6 } }
.numbers { display: flex; flex-wrap: wrap; gap: 8px 28px }
.numbers b { display: block; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums }
.numbers span { color: var(--soft) }
canvas { width: 100%; display: block; border-radius: 4px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; color: var(--soft); font-weight: 600; position: sticky; top: 0; background: var(--paper) }
th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-width: 34em }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: 11px }
.scroll { overflow: auto; max-height: 340px }
.soft { color: var(--soft) }
.bad { color: var(--bad) }
#where { display: contents }
#where[hidden] { display: none }
.steer { display: flex; gap: 8px; flex-wrap: wrap; align-items: center }
.key { display: flex; gap: 4px 14px; flex-wrap: wrap; margin-top: 8px; color: var(--soft); font-size: 12px }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px }
`
