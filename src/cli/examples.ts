/** For `addHelpText('after', …)`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ npm run -s cli -- ${line}`).join('\n')}`
}
