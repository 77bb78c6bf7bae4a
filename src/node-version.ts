/**
 * Ends the process on a Node that is too old. Uses builtins only and comes before every other import:
 * better-sqlite3 crashes an older Node without a word.
 */
export function demandNodeVersion(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 20)) return
  process.stderr.write(
    `docs-connector needs Node 22.20 or newer, this is ${process.version}.\n` +
      'In a checkout, "npm ci && npm start" brings its own Node 24 along (Linux x64).\n',
  )
  process.exit(1)
}
