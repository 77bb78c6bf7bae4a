import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import { ASSETS_PATH } from './asset-routes.ts'

/** The same for all pages. */
export type SharedData = {
  /** Path of our address, without a slash at the end. */
  basePath: string
  isEmulated: boolean
}

export type Views = { render(name: string, data: Record<string, unknown>): string }

/** The templates of `views/`; `<%= %>` escapes, and nothing else is used for data. */
export function createViews(shared: SharedData): Views {
  const eta = new Eta({
    views: fileURLToPath(new URL('../../views', import.meta.url)),
    cache: true,
    autoEscape: true,
  })
  return {
    render: (name, data) =>
      eta.render(`./${name}`, { ...shared, assets: `${shared.basePath}${ASSETS_PATH}`, ...data }),
  }
}

/** JSON for a `<script type="application/json">`: no sequence in it can end the element. Source: HTML Standard, script. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
