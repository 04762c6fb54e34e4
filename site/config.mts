/** How the pages look. What is in the sidebar is made by `scripts/site.ts`. */
import { readFileSync } from "node:fs"
import { defineConfig } from "vitepress"

export default defineConfig({
  title: "sessionpool",
  description: "A resource-safe session pool for Oracle Database, for programs written with Effect.",
  cleanUrls: false,
  lastUpdated: false,
  // Everything works from a folder of its own, without any other host.
  head: [],
  markdown: { html: true, attrs: { disable: true } },
  themeConfig: {
    nav: [
      { text: "Guides", link: "/docs/design" },
      { text: "Testing", link: "/docs/testing" },
      { text: "Reference", link: "/api/oracle/" }
    ],
    outline: [2, 3],
    search: { provider: "local" },
    sidebar: JSON.parse(readFileSync(new URL("sidebar.json", import.meta.url), "utf8"))
  }
})
