/** What a webhook may be subscribed to. */
export const WEBHOOK_EVENTS = [
  'document.opened',
  'document.saved',
  'document.save_failed',
  'document.conflict',
  'document.recovered',
  'document.deleted',
  'document.restored',
  'document.form_submitted',
  'document.mentioned',
] as const
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number]
