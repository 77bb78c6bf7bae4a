import { conversionMatrix } from '../core/conversions.ts'
import type { Deps } from '../core/deps.ts'
import { canComment, canEdit, canEditLossy, canFill, canOpen, canReview, FORMATS } from '../core/formats.ts'

/** What the editor can do with which extension, and what each engine converts to what. */
export function formatsAnswer(deps: Pick<Deps, 'docServer' | 'converter'>) {
  return {
    conversions: conversionMatrix(deps),
    formats: FORMATS.filter(canOpen).map((format) => ({
      extension: format.extension,
      documentType: format.type,
      view: true,
      edit: canEdit(format),
      lossyEdit: canEditLossy(format),
      fill: canFill(format),
      review: canReview(format),
      comment: canComment(format),
      convertTo: [...format.conversions],
      mimeTypes: format.mimeTypes,
    })),
  }
}
