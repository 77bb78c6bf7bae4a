import type { Request, Response } from 'express'
import type { Csrf } from '../http/csrf.ts'
import { scriptJson, type Views } from './views.ts'

/** The pages behind the sign-in, as their navigation names them. */
export type Section = 'files' | 'trash' | 'operations' | 'settings' | 'help'

export type AppPage = {
  /** Name of its template, and of its script in `assets/app`. */
  name: string
  section: Section
  title: string
  /** For the template. */
  data: Record<string, unknown>
  /** For the script, beside what all scripts get. */
  forScript?: Record<string, unknown>
}

/** Answers with a page of the web application. */
export type SendAppPage = (request: Request, response: Response, page: AppPage) => void

export function createAppPages(views: Views, csrf: Csrf, basePath: string): SendAppPage {
  return (request, response, { name, section, title, data, forScript = {} }) => {
    const page = scriptJson({ basePath, csrfToken: csrf.tokenOf(request), ...forScript })
    response
      .set('Cache-Control', 'no-store')
      .send(views.render(name, { ...data, section, title, script: name, page }))
  }
}
