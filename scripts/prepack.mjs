// Runs before a package is packed. Its `exports` in the clone lead to the sources; `publishConfig.exports` leads to what is built, and
// only pnpm puts that into the manifest of the packed package.
if (process.env.npm_config_user_agent?.startsWith("pnpm/") !== true) {
  console.error(
    "Pack with pnpm: another package manager leaves the manifest as it is here, and the package would lead to sources that are not in it. " +
      "In the clone's root, `npm run pack` builds and packs all of them."
  )
  process.exit(1)
}
