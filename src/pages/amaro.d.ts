/** The package has no types of its own. Source: its README. */
declare module 'amaro' {
  export function transformSync(source: string, options: { mode: 'strip-only' }): { code: string }
}
