import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { may } from '../core/callers.ts'
import { activeUsers, joinDocument, leaveDocument } from '../core/collaboration.ts'
import { documentFor } from '../core/documents.ts'
import { Problem } from '../errors.ts'
import type { Api } from './api.ts'

const User = z.object({ documentId: z.string().trim(), userId: z.string().min(1).max(128) })
const Joining = User.extend({ userName: z.string().min(1).max(100) })

/** Who has a document open. Source: Nuto Office API, Collaboration. */
export function collaborationRoutes({ deps, authentication }: Api): Router {
  const router = Router()

  router.post('/join', async (request, response) => {
    const caller = await authentication.byBearer(request)
    response.json(await joinDocument(deps, caller, Joining.parse(request.body)))
  })

  router.post('/leave', async (request, response) => {
    const caller = await authentication.byBearer(request)
    await leaveDocument(deps, caller, User.parse(request.body))
    response.status(204).end()
  })

  // The API page names no path for the status: these are what its readers would try.
  for (const path of ['/:documentId', '/:documentId/status', '/:documentId/sessions', '/:documentId/users']) {
    router.get(path, status)
  }

  async function status(request: Request<{ documentId: string }>, response: Response): Promise<void> {
    const caller = await authentication.byBearer(request)
    if (!may(caller, 'documents:read') && !may(caller, 'collaboration:join')) {
      throw new Problem('permission-missing', 'the token lacks documents:read or collaboration:join')
    }
    const { id: documentId } = await documentFor(deps, caller, request.params.documentId)
    const users = await activeUsers(deps, documentId)
    response.json({ documentId, activeUserCount: users.length, activeUsers: users })
  }

  return router
}
