import { runningConversions } from '../../core/administration/running-conversions.ts'
import { conversionMatrix } from '../../core/conversions.ts'
import type { Deps } from '../../core/deps.ts'

export async function conversionsPart(
  deps: Pick<Deps, 'knownConversions' | 'docServer' | 'converter' | 'isDocServerHealthy'>,
) {
  const { documentServer, libreOffice } = conversionMatrix(deps)
  const isHealthy = documentServer.isAvailable && (await deps.isDocServerHealthy())
  return {
    running: await runningConversions(deps),
    engines: [
      {
        name: 'Document Server',
        state: documentServer.isAvailable ? (isHealthy ? 'ready' : 'does not answer') : 'not configured',
        isReady: isHealthy,
        from: Object.keys(documentServer.pairs).length,
      },
      {
        name: 'LibreOffice',
        state: libreOffice.isAvailable ? 'ready' : 'not installed',
        isReady: libreOffice.isAvailable,
        from: Object.keys(libreOffice.pairs).length,
      },
    ],
  }
}
