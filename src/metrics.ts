import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** Prometheus metrics of one service. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    saves: new Counter({
      name: 'docs_saves_total',
      help: 'Callbacks that carry bytes, by status and result',
      labelNames: ['status', 'result'],
      registers,
    }),
    saveSeconds: new Histogram({
      name: 'docs_save_seconds',
      help: 'From the callback to its answer',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    }),
    savesAtRisk: new Gauge({
      name: 'docs_saves_at_risk',
      help: 'Failed saves whose edits no stored version holds yet',
      registers,
    }),
    oldestUnsavedSeconds: new Gauge({
      name: 'docs_oldest_unsaved_seconds',
      help: 'Age of the oldest save at risk, 0 when there is none',
      registers,
    }),
    forcesaves: new Counter({
      name: 'docs_forcesave_answers_total',
      help: "Document Server's answers to forced saves, by error number",
      labelNames: ['answer'],
      registers,
    }),
    openDocuments: new Gauge({
      name: 'docs_open_documents',
      help: 'Sessions on the autosave tick',
      registers,
    }),
    dependencies: new Gauge({
      name: 'docs_dependency_up',
      help: 'Whether what the service needs answers: 1 or 0',
      labelNames: ['name'],
      registers,
    }),
    refusedCallbacks: new Counter({
      name: 'docs_callbacks_refused_total',
      help: 'Callbacks refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
  }
}
